"""Laws of the names that tie a container to its instance, slot and incarnation."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plancton.common import naming
from plancton.common.naming import Identity, Name

INSTANCES = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
NUMBERS = st.integers(min_value=0, max_value=10**12)
TEXTS = st.text(max_size=70)
DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@given(INSTANCES, NUMBERS, NUMBERS)
def test_a_name_tells_what_it_was_made_of(instance: str, slot: int, incarnation: int) -> None:
    name = naming.container_name(instance, slot, incarnation)
    assert naming.parse_name(name) == Name(instance=instance, slot=slot, incarnation=incarnation)
    assert DOCKER_NAME.fullmatch(name)


@given(TEXTS | st.from_regex(r"plancton-worker-[0-9a-f]{7,9}-[0-9-]*", fullmatch=True))
@example("plancton-worker-01234567-1-2\n")
@example("plancton-worker-01234567-01-2")
@example("plancton-worker-01234567-٣-2")
@example("/plancton-worker-01234567-1-2")
def test_only_names_that_could_have_been_made_are_understood(name: str) -> None:
    parsed = naming.parse_name(name)
    assert parsed is None or naming.container_name(parsed.instance, parsed.slot, parsed.incarnation) == name


@given(INSTANCES, NUMBERS, NUMBERS, TEXTS)
def test_labels_tell_what_they_were_made_of(instance: str, slot: int, incarnation: int, spec: str) -> None:
    labels = naming.labels(instance, slot, incarnation, spec)
    assert naming.parse_labels(labels) == Identity(slot=slot, incarnation=incarnation, spec=spec)
    assert labels[naming.LABEL_INSTANCE] == instance


def test_a_pilot_has_the_name_that_its_labels_ask_for_or_its_cgroup() -> None:
    labels = naming.labels("0123abcd", 1, 2, "s")
    name = naming.container_name("0123abcd", 1, 2)
    others = [naming.container_name(*other) for other in (("0123abcd", 1, 3), ("0123abcd", 2, 2), ("ffffffff", 1, 2))]
    for parent in (None, "", "/plancton-ffffffff", "/elsewhere"):
        assert naming.is_pilot(name, labels, parent)
        assert not any(naming.is_pilot(other, labels, parent) for other in ("owners", "", *others))
    for parent in ("/plancton-0123abcd", "plancton-0123abcd.slice"):
        assert all(naming.is_pilot(other, labels, parent) for other in ("renamed", name, *others))
        assert not naming.is_pilot(name, {naming.LABEL_INSTANCE: "0123abcd"}, parent), "garbage labels tell no slot"


LABELS = st.sampled_from([naming.LABEL_SLOT, naming.LABEL_INCARNATION, naming.LABEL_SPEC, "other"])


@given(st.dictionaries(LABELS, TEXTS))
@example({naming.LABEL_SLOT: "-1", naming.LABEL_INCARNATION: "1", naming.LABEL_SPEC: ""})
@example({naming.LABEL_SLOT: "1.0", naming.LABEL_INCARNATION: "1", naming.LABEL_SPEC: ""})
@example({naming.LABEL_SLOT: "1", naming.LABEL_INCARNATION: "9" * 5000, naming.LABEL_SPEC: ""})
def test_garbage_labels_are_nobodys(labels: dict[str, str]) -> None:
    found = naming.parse_labels(labels)
    if found is not None:
        assert labels.items() >= naming.labels("", found.slot, found.incarnation, found.spec).items() - {
            (naming.LABEL_INSTANCE, "")
        }


@given(TEXTS, NUMBERS, NUMBERS)
@example("n" * 64, 10**12, 10**12)
@example("a" * 39 + "-b", 1, 1)
@example("", 0, 0)
def test_a_host_name_is_valid_whatever_the_node_is_called(node: str, slot: int, incarnation: int) -> None:
    name = naming.host_name(node, slot, incarnation)
    assert HOST_NAME.fullmatch(name)
    assert name.startswith("plancton-")
    assert name.endswith(f"-{slot}-{incarnation}")


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("node7", "plancton-node7-3-41"),
        ("node7.cern.ch", "plancton-node7-3-41"),
        ("Node_7", "plancton-node-7-3-41"),
        ("---", "plancton-node-3-41"),
        ("x" * 50, f"plancton-{'x' * 40}-3-41"),
    ],
)
def test_a_host_name_is_the_nodes_first_word(node: str, name: str) -> None:
    assert naming.host_name(node, 3, 41) == name


def test_an_instance_is_its_run_directorys() -> None:
    assert naming.instance_id("/var/run/plancton") == "3908edb9"
    assert naming.instance_id("/run/\udcff") != naming.instance_id("/run/x")


@pytest.mark.parametrize(
    ("driver", "parent", "path", "leaf"),
    [
        ("cgroupfs", "/plancton-0123abcd", "plancton-0123abcd", "c0ffee"),
        ("systemd", "plancton-0123abcd.slice", "plancton.slice/plancton-0123abcd.slice", "docker-c0ffee.scope"),
    ],
)
def test_where_the_pilots_cgroups_are(driver: str, parent: str, path: str, leaf: str) -> None:
    assert naming.cgroup_parent("0123abcd", driver) == parent
    assert naming.cgroup_path("0123abcd", driver) == path
    assert naming.cgroup_of("c0ffee", "0123abcd", driver) == f"{path}/{leaf}"
