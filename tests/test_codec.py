"""Messages and their bytes: round trips, golden bytes of all versions, and what is refused."""

from pathlib import Path

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plancton.common.codec import MAX_BYTES, PROTOCOL, Envelope, ProtocolError, decode, encode, pack, unpack
from plancton.common.messages import Beat, Message
from plancton.common.topics import KINDS, TOPIC_OF, Topic
from tests.golden import Golden, add, covers, kept, newest, plain
from tests.golden.samples import ENVELOPES, MESSAGES, at_default
from tests.support.any_struct import ANY_PLAIN, INTEGERS, TEXT, any_struct


def envelopes(kind: type[Message]) -> st.SearchStrategy[Envelope]:
    """Return a strategy of envelopes that hold this kind."""
    return st.builds(
        Envelope,
        topic=st.just(TOPIC_OF[kind]),
        sender=TEXT,
        boot=TEXT,
        sequence=INTEGERS,
        monotonic=st.floats(allow_nan=False),
        message=any_struct(kind),
    )


def wire(**changes: object) -> bytes:
    """Return the bytes of a good envelope, but for the fields given."""
    fields = {
        "protocol": PROTOCOL,
        "kind": "Beat",
        "sender": "probe",
        "boot": "0011",
        "sequence": 1,
        "monotonic": 1.0,
        "body": {"ready": True},
    }
    return pack({**fields, **changes})


def verdict(topic: bytes, data: bytes) -> Envelope | str:
    """Return the message, or what a ProtocolError says; nothing else may be raised."""
    try:
        return decode(topic, data)
    except ProtocolError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS.values())
def test_whatever_is_said_is_heard(kind: type[Message]) -> None:
    @given(envelopes(kind))
    def check(envelope: Envelope) -> None:
        topic, data = encode(envelope)
        assert decode(topic, data) == envelope

    check()


@given(st.sampled_from([topic.encode() for topic in Topic]) | st.binary(max_size=12), st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_protocol_error(topic: bytes, data: bytes) -> None:
    assert verdict(topic, data)


@given(
    st.sampled_from([topic.encode() for topic in Topic]),
    st.sampled_from(["protocol", "kind", "sender", "boot", "sequence", "monotonic", "body"]),
    ANY_PLAIN,
)
@example(b"beat", "body", {"ready": 1})
def test_any_value_in_any_field_is_a_message_or_a_protocol_error(topic: bytes, field: str, value: object) -> None:
    assert verdict(topic, wire(**{field: value}))


@given(st.sampled_from(list(ENVELOPES.values())), st.data())
def test_a_cut_or_flipped_message_is_a_message_or_a_protocol_error(envelope: Envelope, data: st.DataObject) -> None:
    topic, whole = encode(envelope)
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    for damaged in (whole[:place], bytes(flipped), whole + b"\x00"):
        assert verdict(topic, damaged)


@pytest.mark.parametrize("depth", [100, 500, 990, 1010, 1024, 5000, 1_000_000])
def test_however_deep_it_nests_it_ends_in_a_message_or_a_protocol_error(depth: int) -> None:
    head = wire(body=0)[:-1]
    for data in (b"\x91" * depth + b"\x90", head + b"\x82\xa5ready\xc3\xa3new" + b"\x91" * depth + b"\x90"):
        assert verdict(b"beat", data)


@pytest.mark.parametrize(
    ("topic", "data", "why"),
    [
        (b"beat", wire(protocol=2), "protocol 2, where 1 is spoken"),
        (b"beat", wire(protocol=None), "no envelope"),
        (b"beat", wire(kind="Shout"), "unknown kind 'Shout'"),
        (b"beat", wire(kind="S" * 10_000), "unknown kind 'SSSSS"),
        (b"target", wire(), "Beat under topic b'target', where it belongs to 'beat'"),
        (b"\xff", wire(), "Beat under topic"),
        (b"", wire(), "Beat under topic"),
        (b"beat", wire(body={}), "bad Beat: Object missing required field `ready`"),
        (b"beat", wire(body={"ready": "yes"}), r"bad Beat: Expected `bool`, got `str` - at `\$.ready`"),
        (b"beat", wire(body=[True]), "no envelope"),
        (b"beat", wire(sender=1), "no envelope"),
        (b"beat", b"", "not msgpack"),
        (b"beat", b"\x00" * (MAX_BYTES + 1), f"{MAX_BYTES + 1} bytes, where at most {MAX_BYTES} are taken"),
        (b"intent", wire(kind="Intent", body={"mode": "asleep", "since_unix": 1.0}), "bad Intent: Invalid enum value"),
    ],
)
def test_what_is_no_message_is_refused_and_told_why(topic: bytes, data: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why) as refusal:
        decode(topic, data)
    assert len(str(refusal.value)) < 200


def test_fields_that_a_newer_sender_added_are_ignored() -> None:
    envelope = decode(b"beat", wire(mood="fine", body={"ready": True, "mood": {"deep": [1]}}))
    assert envelope.message == Beat(ready=True)


def test_a_message_of_the_largest_size_is_taken() -> None:
    text = "x" * (MAX_BYTES - 5)
    assert len(pack(text)) == MAX_BYTES
    assert unpack(pack(text)) == text


def test_text_that_is_no_unicode_is_escaped_rather_than_fatal() -> None:
    assert unpack(pack({"file": "/tmp/\udcff"})) == {"file": "/tmp/\\udcff"}


@pytest.mark.parametrize("golden", kept("bus"), ids=str)
def test_golden_bytes_say_for_ever_what_they_said(golden: Golden) -> None:
    says = golden.says
    assert covers(plain(decode(says["topic"].encode(), golden.data)), says)


def test_each_kind_has_golden_bytes_of_its_present_form() -> None:
    present = {kind: encode(envelope)[1] for kind, envelope in ENVELOPES.items()}
    assert set(present) == set(KINDS)
    stale = [kind for kind, data in present.items() if kind not in newest("bus") or newest("bus")[kind].data != data]
    assert stale == [], "run: python -m tests.golden"


def test_golden_bytes_have_no_field_at_its_default() -> None:
    assert [where for message in MESSAGES for where in at_default(message, type(message).__name__)] == []


def test_golden_bytes_are_only_ever_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.golden.FOLDER", tmp_path)
    first = add("bus", "Beat", b"\x01", {"a": 1})
    assert first is not None
    assert add("bus", "Beat", b"\x01", {"a": 1}) is None
    second = add("bus", "Beat", b"\x02", {"a": 2})
    assert second is not None
    with pytest.raises(FileExistsError):
        first.write(b"\x03", {"a": 3})
    assert [(golden.number, golden.data, golden.says) for golden in kept("bus")] == [
        (1, b"\x01", {"a": 1}),
        (2, b"\x02", {"a": 2}),
    ]


def test_msgpack_of_another_library_is_read_too() -> None:
    data = msgspec.msgpack.encode(msgpack.unpackb(wire()))
    assert decode(b"beat", data).message == Beat(ready=True)
