"""Who gets the CPUs of a simulated machine, and what each has had: pure.

The owner gets what it asks for, as under the idle weight; what the engine needs to start a pilot comes next; the
running pilots share the rest, each up to its quota. A launch costs ``LAUNCH_CPU_SECONDS``.
"""

LAUNCH_SECONDS = 0.4
"""From the call to the pilot's start; measured on a bridge network."""
LAUNCH_CPU_SECONDS = 0.3
"""What a launch costs the host; measured."""


class Machine:
    """The CPUs. Between two calls of ``set`` all rates are constant."""

    __slots__ = (
        "_engine_cpus",
        "_free_cpus",
        "_overlap_cpus",
        "_per_dock",
        "_pilots_cpus",
        "demand_cpus",
        "engine_seconds",
        "free_seconds",
        "ncpus",
        "now",
        "overlap_seconds",
        "owner_cpus",
        "owner_seconds",
        "pilots_seconds",
        "running",
        "share",
        "starting",
        "work",
    )

    def __init__(self, ncpus: int, cpus_per_dock: float) -> None:
        """Begin at moment 0, with nobody there."""
        self.ncpus = ncpus
        self._per_dock = cpus_per_dock
        self.now = 0.0
        self.owner_cpus = 0.0
        """What the owner asks for and gets; never more than there is."""
        self.running = 0
        """Pilots that run and aren't suspended."""
        self.starting = 0
        """Launches under way."""
        self.work = 0.0
        """Seconds of undisturbed running that a pilot which was there from the first moment would have had."""
        self.owner_seconds = self.pilots_seconds = self.engine_seconds = 0.0
        """Core-seconds used."""
        self.free_seconds = 0.0
        """Core-seconds that the owner left, used or not."""
        self.overlap_seconds = 0.0
        """Core-seconds that both the owner and pilots asked for."""
        self.demand_cpus = 0.0
        """What the running pilots ask for."""
        self.share = 1.0
        """How much of that each of them gets, from 0 to 1."""
        self._pilots_cpus = self._engine_cpus = self._overlap_cpus = 0.0
        self._free_cpus = float(ncpus)

    def set(self, *, owner_cpus: float | None = None, running: int = 0, starting: int = 0) -> None:
        """Have the owner ask for ``owner_cpus``, and so many more pilots run or be started, fewer where negative."""
        if owner_cpus is not None:
            self.owner_cpus = min(float(self.ncpus), owner_cpus)
        self.running += running
        self.starting += starting
        free = self.ncpus - self.owner_cpus
        self.demand_cpus = demand = self.running * self._per_dock
        self._free_cpus = free
        self._engine_cpus = min(free, self.starting * (LAUNCH_CPU_SECONDS / LAUNCH_SECONDS))
        self._pilots_cpus = min(demand, free - self._engine_cpus)
        self._overlap_cpus = max(0.0, demand - free)
        self.share = self._pilots_cpus / demand if demand > 0.0 else 1.0

    def pass_to(self, moment: float) -> None:
        """Let time pass until ``moment``."""
        seconds = moment - self.now
        self.now = moment
        self.work += seconds * self.share
        self.owner_seconds += seconds * self.owner_cpus
        self.pilots_seconds += seconds * self._pilots_cpus
        self.engine_seconds += seconds * self._engine_cpus
        self.free_seconds += seconds * self._free_cpus
        self.overlap_seconds += seconds * self._overlap_cpus
