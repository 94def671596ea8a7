"""What planctonctl may ask of planctond, and how planctond answers: one class per verb, and their bytes.

A request is one msgpack map: ``protocol``, ``verb`` and the verb's own fields. The answer is a map: ``ok``, ``error``
and ``data``. What isn't a request gets an answer that says why, and changes nothing.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from plancton.common.codec import ProtocolError, pack, unpack

CONTROL_PROTOCOL: Literal[1] = 1
MAX_REQUEST_BYTES = 64 * 1024
_SHOWN = 60
"""How much of a wrong value a refusal shows."""


def _verb(class_name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in class_name).lstrip("-")


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="verb", tag=_verb):
    """A request; the class's name in kebab case is the verb."""

    protocol: Literal[1] = CONTROL_PROTOCOL


class Status(Request, frozen=True):
    """Tell everything that ``planctonctl status`` shows, pilots included."""


class Happenings(Request, frozen=True):
    """Tell what happened since the happening numbered ``after``."""

    after: int = 0


class Drain(Request, frozen=True):
    """Launch no more pilots; with ``stop``, exit once the last has ended.

    ``reason`` is shown to whoever asks; at ``deadline_unix`` the pilots that still run are ended.
    """

    stop: bool = False
    reason: Annotated[str, Meta(max_length=200)] = ""
    deadline_unix: float | None = None


class Snooze(Request, frozen=True):
    """End all pilots and start none until then; without a moment, no longer."""

    until_unix: float | None = None


class ClearFizzles(Request, frozen=True):
    """Forget the pilots that fizzled until now, and launch again."""


class Drill(Request, frozen=True):
    """Suspend all pilots for so many seconds, so that a drill can measure the machine without them; 0 ends it."""

    seconds: Annotated[float, Meta(ge=0.0, le=120.0)]


class Resume(Request, frozen=True):
    """Launch pilots again; forget a drain and a stop that waits for one."""


class Reload(Request, frozen=True):
    """Read the configuration now, and say what came of it."""


class Stop(Request, frozen=True):
    """Exit and leave the pilots running; with ``force``, kill them first."""

    force: bool = False


class ShowSettings(Request, frozen=True):
    """Tell the settings in force and where each came from."""


AnyRequest = Status | Happenings | Drain | Resume | Snooze | ClearFizzles | Drill | Reload | Stop | ShowSettings
VERBS = tuple(sorted(kind.__struct_config__.tag for kind in AnyRequest.__args__))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request: ``data`` where it was done, ``error`` where it was refused."""

    ok: bool
    error: str = ""
    data: Any = None


def _shown(value: object) -> str:
    """Return a wrong value for people; of one that nests, for how deeply nobody knows, only the kind."""
    return repr(value)[:_SHOWN] if isinstance(value, str | int | float | None) else f"of type {type(value).__name__}"


def encode_request(request: Request) -> bytes:
    """Return the request's one frame."""
    return pack(request)


def decode_request(data: bytes) -> Request | Answer:
    """Return the request, or the refusal to send back."""
    try:
        value = unpack(data, MAX_REQUEST_BYTES)
    except ProtocolError as error:
        return Answer(ok=False, error=f"refused: {error}")
    if not isinstance(value, dict):
        return Answer(ok=False, error="refused: a request is a map with protocol and verb")
    if value.get("protocol") != CONTROL_PROTOCOL:
        return Answer(
            ok=False,
            error=f"refused: protocol {_shown(value.get('protocol'))}, where {CONTROL_PROTOCOL} is spoken",
        )
    if value.get("verb") not in VERBS:
        verb = _shown(value.get("verb"))
        return Answer(ok=False, error=f"refused: unknown verb {verb}; known: {', '.join(VERBS)}")
    try:
        request: Request = msgspec.convert(value, AnyRequest)
    except (msgspec.ValidationError, RecursionError) as error:
        return Answer(ok=False, error=f"refused: {error}")
    return request


def decode_answer(data: bytes) -> Answer:
    """Read an answer.

    Raises:
        ProtocolError: if it's none.

    """
    try:
        return msgspec.convert(unpack(data), Answer)
    except (msgspec.ValidationError, RecursionError) as error:
        msg = f"no answer: {error}"
        raise ProtocolError(msg) from error
