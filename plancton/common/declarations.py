"""The declarations of ``plancton.common.settings`` as plain values, for whoever validates or describes settings."""

from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from plancton.common.masking import mask, mask_url, mask_value
from plancton.common.setting_forms import Group
from plancton.common.settings import Settings


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it was declared."""

    name: str
    kind: Any
    """The type without its bounds."""
    bounded: Any
    """The type with its bounds, for ``msgspec.convert``."""
    default: Any
    group: Group
    description: str
    unit: str
    """Empty where the value isn't a number."""
    least: float | None
    most: float | None
    form: str
    """What a right value looks like, where it isn't a number."""
    secret: bool
    """True where it may hold a password or a token."""

    @property
    def expected(self) -> str:
        """Return in words what a right value is."""
        if not self.unit:
            return self.form
        noun = "a whole number" if self.kind is int else "a number"
        return f"{noun} of {self.unit} {self.bounds}"

    def hidden(self, text: str) -> str:
        """Return a value's text without the passwords that it may hold."""
        return mask_url(text) if self.secret else mask(text)

    def without_secrets(self, value: object) -> object:
        """Return a value of the setting without the secrets that it may hold."""
        return mask_value(value) if self.secret else value

    @property
    def bounds(self) -> str:
        """Return in words what range a number must be in; empty where it isn't a number."""
        if self.least is None or self.most is None:
            return ""
        return f"from {plain(self.least)} to {plain(self.most)}"


def plain(number: float) -> str:
    """Return a number in digits, without an exponent or a needless ``.0``."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def item_type(declaration: Declaration) -> Any | None:  # noqa: ANN401 - a type with its bounds has no narrower type
    """Return the type of a list's items; None where the setting isn't a list."""
    return get_args(declaration.kind)[0] if get_origin(declaration.kind) is tuple else None


def _read(name: str, hint: Any) -> Declaration:  # noqa: ANN401 - (same)
    kind, meta = get_args(hint)
    return Declaration(
        name=name,
        kind=kind,
        bounded=hint,
        default=getattr(Settings(), name),
        group=meta.extra["group"],
        description=meta.description,
        unit=meta.extra["unit"],
        least=meta.ge,
        most=meta.le,
        form=meta.extra["form"],
        secret=meta.extra["secret"],
    )


_GROUPS = get_args(Group)

DECLARATIONS = {
    each.name: each
    for each in sorted(
        (_read(name, hint) for name, hint in get_type_hints(Settings, include_extras=True).items()),
        key=lambda declaration: _GROUPS.index(declaration.group),
    )
}
"""By name, in the order that people read them."""
