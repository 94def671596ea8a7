"""Whatever is lost, late, repeated, killed or wrong in whatever order: never too many, and in the end just enough."""
# ruff: noqa: D102 - the name of a rule is a sentence that says what happens

from collections import deque
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from plancton.common.codec import Envelope
from plancton.common.messages import ActiveSettings, Intent, Mode, PoolLook, PoolUnknown, Target
from plancton.common.pilot import ENDED_STATES, PilotState
from plancton.common.policy.memory import TARGET_VALID_SECONDS
from plancton.common.settings import Settings
from plancton.common.topics import Topic
from tests.support.modelled_node import DEFIANT, OBEDIENT, STUCK, WORKERS, Node
from tests.support.stepped_calls import How

SHORT = ("/bin/sleep", "7")
SETTINGS = Settings(
    max_docks="4",
    main_sleep=2.0,
    grace_kill=5.0,
    grace_spawn=5.0,
    stop_grace=3.0,
    max_ttl=500.0,
    docker_cmd=SHORT,
)
LASTING = msgspec.structs.replace(SETTINGS, docker_cmd=DEFIANT)
BLIND = frozenset({"events", "looks"})
FOREIGN = {"plancton.instance": "00000000", "plancton.slot": "0", "plancton.incarnation": "1", "plancton.spec": "x"}


class RandomEvents(RuleBasedStateMachine):
    """Anything may happen at any moment; what must hold is checked at each target and at each start."""

    def __init__(self) -> None:
        super().__init__()
        self.node = Node(SETTINGS)
        self.wanted: deque[tuple[float, int]] = deque()
        self.node.on_said, self.node.on_start = self.check_target, self.check_start
        self.neighbours = [
            self.node.engine.create({"Image": "busybox", "Labels": labels}, name)
            for name, labels in (("plancton-worker-00000000-0-1", FOREIGN), ("database", {}))
        ]
        for neighbour in self.neighbours:
            assert isinstance(neighbour, str)
            self.node.engine.start(neighbour)

    # What must hold.

    def check_target(self, envelope: Envelope) -> None:
        target = envelope.message
        if not isinstance(target, Target):
            return
        self.wanted.append((envelope.monotonic, target.want))
        assert not {each.container_id for each in target.suspend} & {each.container_id for each in target.end}
        if not target.launch:
            return
        scheduler = self.node.lives["scheduler"].worker
        heard = vars(scheduler)["_heard"]
        pool = heard[PoolLook].message
        assert PoolUnknown not in heard, "launches while the pool is unknown"
        assert self.node.now - pool.full_look_monotonic <= 25.0, "launches on an old pool"
        slots = [wish.slot for wish in (*target.launch, *target.withdrawn)]
        assert len(set(slots)) == len(slots), "two wishes for one slot"
        assert target.suspend == (), "launches while pilots wait suspended"
        for pilot in pool.pilots:
            for wish in target.launch:
                same = (wish.slot, wish.incarnation) == (pilot.slot, pilot.incarnation)
                assert same or wish.incarnation != pilot.incarnation, "an incarnation used twice"
                assert same or wish.slot != pilot.slot or pilot.state in ENDED_STATES, "a wish for a slot that is taken"
                assert not same or pilot.state is PilotState.CREATED, "a wish for what was started already"

    def check_start(self, asked_at: float) -> None:
        live = self.node.live()
        slots = [container.labels["plancton.slot"] for container in live]
        assert len(set(slots)) == len(slots), "two pilots in one slot"
        earlier = [want for moment, want in self.wanted if asked_at - TARGET_VALID_SECONDS <= moment <= asked_at]
        before = [want for moment, want in self.wanted if moment < asked_at - TARGET_VALID_SECONDS]
        assert len(live) <= max(earlier + before[-1:]), "more pilots than were wanted when the last was started"

    # What happens when all is well.

    @rule(seconds=st.sampled_from([0.6, 2.0, 6.0]))
    def all_is_well(self, seconds: float) -> None:
        self.node.calm(seconds)

    @rule(name=st.sampled_from(sorted(WORKERS)), messages=st.sampled_from([0, 1, 2, 1000]))
    def one_turns(self, name: str, messages: int) -> None:
        self.node.turn(name, messages)

    @rule(seconds=st.sampled_from([0.05, 1.1, 4.0, 16.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.node.pass_time(seconds)

    @precondition(lambda self: self.node.calls())
    @rule(data=st.data(), how=st.sampled_from([How.DONE, How.DONE, How.DONE, *How]))
    def a_call_goes_on(self, data: st.DataObject, how: How) -> None:
        self.node.go_on(data.draw(st.sampled_from(self.node.calls())), how)

    @rule(most=st.sampled_from([1, 2, 1000]))
    def events_arrive(self, most: int) -> None:
        self.node.let_events(most)

    @rule()
    def the_engine_lists(self) -> None:
        self.node.list_for_look()

    @rule()
    def a_look_arrives(self) -> None:
        self.node.let_look()

    @rule(
        seconds=st.sampled_from([0.6, 2.0, 6.0, 17.0]),
        stuck=st.sets(st.sampled_from(STUCK), min_size=1, max_size=3),
        blind=st.booleans(),
    )
    def nearly_all_is_well(self, seconds: float, stuck: set[str], *, blind: bool) -> None:
        self.node.calm(seconds, stuck=frozenset(stuck) | (BLIND if blind else frozenset()))

    @rule(
        name=st.sampled_from(sorted(WORKERS)),
        stuck=st.sampled_from(["create", "list_containers", "start"]),
        blind=st.booleans(),
    )
    def a_worker_dies_in_the_midst_of_launches(self, name: str, stuck: str, *, blind: bool) -> None:
        several = [container.container_id for container in self.node.running()][:2]
        for container_id in several:
            self.node.engine.finish(container_id)
        self.node.calm(2.0, stuck=frozenset({stuck}))
        self.node.start(name)
        self.node.calm(2.0, stuck=BLIND if blind else frozenset())

    @rule(
        name=st.sampled_from(sorted(WORKERS)),
        stuck=st.sampled_from(["pause", "unpause", "kill", "looks", "events", "reaper", "scheduler"]),
        seconds=st.sampled_from([3.0, 8.0, 25.0]),
    )
    def the_owner_comes_and_a_worker_dies_while_pilots_are_suspended(
        self, name: str, stuck: str, seconds: float
    ) -> None:
        self.the_operator_wants(Mode.ACTIVE)
        self.the_settings_change("4", OBEDIENT, suspend=True)
        self.node.accounting = True
        self.node.calm(8.0)
        self.node.owner_cpus = 7.5
        self.node.calm(seconds, stuck=frozenset({stuck}))
        self.node.calm(1.0)
        self.node.start(name)
        self.node.owner_cpus = 0.0
        self.node.calm(seconds)

    # What goes wrong.

    @rule()
    def a_listing_fails(self) -> None:
        self.node.list_for_look(fails=True)

    @rule()
    def the_event_stream_breaks(self) -> None:
        self.node.break_stream()

    @rule(name=st.sampled_from(sorted(WORKERS)))
    def a_worker_dies(self, name: str) -> None:
        self.node.start(name)

    @rule()
    def the_supervisor_dies(self) -> None:
        self.wanted.extend((self.node.now, want) for _moment, want in list(self.wanted)[-1:])
        self.node.start_supervisor()

    @precondition(lambda self: self.node.late)
    @rule()
    def something_late_happens(self) -> None:
        self.node.late.pop(0)()

    @rule(name=st.sampled_from(sorted(WORKERS)), repeated=st.booleans())
    def a_message_is_lost_or_repeated(self, name: str, *, repeated: bool) -> None:
        inbox = self.node.lives[name].inbox
        # Settings and the intent come from the supervisor, which says them once.
        if inbox and not isinstance(inbox[0].message, ActiveSettings | Intent):
            envelope = inbox.popleft()
            if repeated:
                inbox.extendleft([envelope, envelope])

    @precondition(lambda self: self.node.running())
    @rule(data=st.data(), removed=st.booleans())
    def a_pilot_ends(self, data: st.DataObject, *, removed: bool) -> None:
        container = data.draw(st.sampled_from(self.node.running()))
        self.node.engine.finish(container.container_id)
        if removed:
            self.node.engine.remove(container.container_id)

    # What people do.

    @rule(
        max_docks=st.sampled_from(["0", "1", "2", "4", "6"]),
        command=st.sampled_from([DEFIANT, OBEDIENT, SHORT]),
        suspend=st.booleans(),
    )
    def the_settings_change(self, max_docks: str, command: tuple[str, ...], *, suspend: bool) -> None:
        self.node.settings = msgspec.structs.replace(
            SETTINGS, max_docks=max_docks, docker_cmd=command, suspend=suspend, grace_suspend=2.0, suspend_longest=20.0
        )
        self.node.say(ActiveSettings(settings=self.node.settings, generation=2))

    @rule(mode=st.sampled_from(list(Mode)))
    def the_operator_wants(self, mode: Mode) -> None:
        self.node.mode = mode
        self.node.say(Intent(mode=mode, since_unix=self.node.time()))

    @rule(seconds=st.sampled_from([1.0, 5.0, 60.0]), drill=st.booleans())
    def the_owner_wants_none_for_a_while(self, seconds: float, *, drill: bool) -> None:
        until = self.node.time() + seconds
        intent = Intent(
            mode=self.node.mode,
            since_unix=self.node.time(),
            drill_until_unix=until if drill else None,
            snooze_until_unix=None if drill else until,
        )
        self.node.say(intent)

    @rule(cpus=st.sampled_from([0.0, 3.3, 7.5]), accounting=st.booleans())
    def the_owner_uses(self, cpus: float, *, accounting: bool) -> None:
        self.node.owner_cpus, self.node.accounting = cpus, accounting

    def teardown(self) -> None:
        try:
            self.in_the_end_just_enough_pilots_run()
        finally:
            self.node.close()

    def in_the_end_just_enough_pilots_run(self) -> None:
        self.node.owner_cpus, self.node.accounting = 0.0, True
        self.the_settings_change(self.node.settings.max_docks, OBEDIENT, suspend=True)
        self.the_operator_wants(Mode.ACTIVE)
        self.node.calm(150.0, 1.0)
        running = self.node.running()
        assert len(running) == int(self.node.settings.max_docks), f"{self.node.last(Topic.TARGET)}"
        assert len(self.node.containers()) == len(running), "something ended is left"
        target = self.node.last(Topic.TARGET)
        assert isinstance(target, Target)
        assert (target.want, target.running, target.launch, target.end) == (len(running), len(running), (), ())
        assert target.suspend == ()
        for neighbour in self.neighbours:
            there = self.node.engine.inspect(str(neighbour))
            assert getattr(there, "state", None) is PilotState.RUNNING, "somebody else's container was touched"


TestRandomEvents = pytest.mark.slow(RandomEvents.TestCase)
TestRandomEvents.settings = settings(
    max_examples=40,
    stateful_step_count=60,
    deadline=None,
    # Making a failure smaller takes minutes; add Phase.shrink when there is one.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


# Single incidents.


@pytest.fixture
def node() -> Iterator[Node]:
    """Return a node that has been full for a while."""
    made = Node(LASTING)
    made.calm(10.0)
    assert len(made.running()) == 4
    yield made
    made.close()


def test_a_listing_older_than_events_seen_meanwhile_loses_no_pilot(node: Node) -> None:
    first = node.running()[0].container_id
    node.engine.finish(first)
    node.calm(6.0, stuck=frozenset({"answers", "create"}))
    node.calm(1.0, stuck=frozenset({"answers", "looks"}))
    assert len(node.running()) == 4
    node.let_look()
    node.turn("probe")
    pool = node.last(Topic.POOL)
    assert isinstance(pool, PoolLook)
    assert sum(pilot.state is PilotState.RUNNING for pilot in pool.pilots) == 4


def test_a_pilot_that_lived_and_died_unseen_is_replaced(node: Node) -> None:
    node.engine.finish(node.running()[0].container_id)
    node.calm(1.0, stuck=frozenset({"create"}))
    node.calm(1.0, stuck=BLIND)
    newest = max(node.running(), key=lambda container: container.created_unix).container_id
    node.engine.finish(newest)
    node.engine.remove(newest)
    node.break_stream()
    node.calm(60.0)
    assert len(node.running()) == 4


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_after_any_workers_death_in_the_midst_of_launches_there_are_just_enough(name: str) -> None:
    node = Node(LASTING)
    try:
        node.calm(1.5, stuck=frozenset({"start"}))
        node.start(name)
        node.calm(3.5, stuck=frozenset({"events"}))
        assert len(node.running()) == len(node.containers()) == 4
        node.calm(20.0)
        assert len(node.running()) == len(node.containers()) == 4
    finally:
        node.close()
