"""Hypothesis strategies of typed values, made from their types: any message, request or part of one."""

from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from plancton.common.settings import Settings
from tests.support.any_settings import ANY_SETTINGS

T = TypeVar("T", bound=msgspec.Struct)

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
INTEGERS = st.integers(-(2**63), 2**64 - 1)
"""What msgpack holds."""


def any_struct(kind: type[T]) -> st.SearchStrategy[T]:
    """Return a strategy of all values of a struct, but for NaN, which equals nothing."""
    return _values(inspect.type_info(kind))


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one for each kind of type
    match kind:
        case inspect.StructType(cls=cls) if cls is Settings:
            return ANY_SETTINGS
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: _values(field.type) for field in fields})
        case inspect.UnionType(types=types):
            return st.one_of(*map(_values, types))
        case inspect.VarTupleType(item_type=item):
            return st.lists(_values(item), max_size=3).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_values(key), _values(value), max_size=3)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.FloatType(ge=float() as least, le=float() as most):
            return st.floats(least, most)
    return _PLAIN[type(kind)]


_PLAIN: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.IntType: INTEGERS,
    inspect.FloatType: st.floats(allow_nan=False),
    inspect.StrType: TEXT,
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
}

ANY_PLAIN = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats() | TEXT | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
"""Whatever msgpack can hold."""
