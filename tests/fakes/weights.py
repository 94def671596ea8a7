"""Weights that touch no kernel: what was asked for is in force, in the words of the settings."""

from pathlib import Path

from plancton.common.messages import Weight


class Weights:
    """Stands for ``plancton.workers.launcher.weight.Weights``."""

    def __init__(self, _instance: str, _state: Path) -> None:
        """Remember nothing."""
        self.asked: list[tuple[str, str, str]] = []

    def keep(self, driver: str, cpu: str, io: str) -> Weight:
        """Have it so."""
        self.asked.append((driver, cpu, io))
        return Weight(cpu=cpu, io=io)
