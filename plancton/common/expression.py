"""Arithmetic on named numbers, for ``max_docks``: no eval, and never more than a moment's work.

All numbers are floats, so that no operation can make one that grows: what would be too big overflows, and is refused.
"""

import ast
import functools
import math
import operator
import warnings
from collections.abc import Callable, Mapping

from simpleeval import SimpleEval

from plancton.common.settings import Settings

MAX_LENGTH = 256

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    # Not operator.pow: (-8) ** 0.5 would be a complex number.
    ast.Pow: math.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SYNTAX = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    *_OPERATORS,
)
_NAMES = ("ncpus", "ram_bytes", "swap_bytes", "max_dock_mem", "max_dock_swap")
_CPUS = (*range(1, 17), 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)


class ExpressionError(Exception):
    """An expression has no value; the text says why, and what is allowed."""


def _truncated(value: float) -> float:
    return float(math.trunc(value))


def _rounded(value: float, digits: float = 0.0) -> float:
    return round(float(value), int(digits))


_FUNCTIONS: dict[str, Callable[..., float]] = {"int": _truncated, "max": max, "min": min, "round": _rounded}


def evaluate(expression: str, names: Mapping[str, float]) -> float:
    """Return the finite value of ``expression``.

    Allowed are numbers, the ``names``, ``+ - * / // % **``, comparisons, ``and or not``, ``a if b else c``, ``min``,
    ``max``, ``int`` (towards zero) and ``round``.

    Raises:
        ExpressionError: for anything else, and where there is no finite value.

    """
    tree = _parsed(expression)
    _check_names(tree, names)
    numbers = {name: float(value) for name, value in names.items()}
    evaluator = SimpleEval(operators=_OPERATORS, functions=_FUNCTIONS, names=numbers)
    try:
        value = float(evaluator.eval(expression, previously_parsed=tree.body))
    except ZeroDivisionError:
        message = f"divides by zero{_where(tree, names)}"
        raise ExpressionError(message) from None
    except (OverflowError, ValueError, RecursionError):
        message = f"has no value, or one too large{_where(tree, names)}"
        raise ExpressionError(message) from None
    except TypeError:
        message = (
            "calls a function with the wrong number of values; min and max need two or more, int one, round one or two"
        )
        raise ExpressionError(message) from None
    if not math.isfinite(value):
        message = f"is too large{_where(tree, names)}"
        raise ExpressionError(message)
    return value


def max_docks(settings: Settings, ncpus: int, ram_bytes: int, swap_bytes: int) -> int:
    """Return the most pilots that ``settings`` allow on such a host; never below 0.

    0 too where the expression has no value on this very host, which ``check`` rules out for common ones.
    """
    return _most(settings.max_docks, ncpus, ram_bytes, swap_bytes, settings.max_dock_mem, settings.max_dock_swap)


@functools.lru_cache(maxsize=16)
def _most(expression: str, *values: int) -> int:
    # Remembered, for it's asked for at each decision, and changes with the settings or the machine alone.
    try:
        value = evaluate(expression, dict(zip(_NAMES, values, strict=True)))
    except ExpressionError:
        return 0
    return max(0, math.floor(value))


def check(settings: Settings) -> None:
    """Try ``settings.max_docks`` on hosts of 1 to 512 CPUs, with and without swap.

    Raises:
        ExpressionError: if it has no value on one of them.

    """
    for ncpus in _CPUS:
        ram_bytes = ncpus * 4 * 2**30
        for swap_bytes in (0, ram_bytes // 2):
            evaluate(settings.max_docks, _names(settings, ncpus, ram_bytes, swap_bytes))


def _names(settings: Settings, ncpus: int, ram_bytes: int, swap_bytes: int) -> dict[str, float]:
    values = (ncpus, ram_bytes, swap_bytes, settings.max_dock_mem, settings.max_dock_swap)
    return dict(zip(_NAMES, values, strict=True))


@functools.lru_cache(maxsize=16)
def _parsed(expression: str) -> ast.Expression:
    if len(expression) > MAX_LENGTH:
        message = f"is {len(expression)} characters long; {MAX_LENGTH} are allowed"
        raise ExpressionError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(" ".join(expression.split()), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning):
        message = "isn't arithmetic; write something like max(1, ncpus - 2)"
        raise ExpressionError(message) from None
    for node in ast.walk(tree):
        _check_node(node)
    return tree


def _check_node(node: ast.AST) -> None:
    if not isinstance(node, _SYNTAX):
        message = "uses more than arithmetic, comparisons, if-else, min, max, int and round"
        raise ExpressionError(message)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            message = f"contains {node.value!r}, which isn't a number"
            raise ExpressionError(message)
        # MAX_LENGTH leaves no room for an integer too large for this.
        node.value = float(node.value)
    if isinstance(node, ast.Call) and not _allowed(node):
        message = f"calls something else than {', '.join(_FUNCTIONS)}"
        raise ExpressionError(message)


def _allowed(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in _FUNCTIONS and not call.keywords


def _check_names(tree: ast.Expression, names: Mapping[str, float]) -> None:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in names:
            message = f"uses the unknown name {node.id}; known are {', '.join(names)}"
            raise ExpressionError(message)


def _where(tree: ast.Expression, names: Mapping[str, float]) -> str:
    """Return in words the values that the expression had no result for; empty if it used none."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    values = ", ".join(f"{name} is {value:.15g}" for name, value in names.items() if name in used)
    return f" where {values}" if values else ""
