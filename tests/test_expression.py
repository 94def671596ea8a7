"""Arithmetic is all that an expression can do, and it's done at once."""

import contextlib
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.expression import ExpressionError, check, evaluate, max_docks
from plancton.common.settings import Settings

GIB = 2**30
NAMES = {"ncpus": 8, "ram_bytes": 16 * GIB, "swap_bytes": 0, "max_dock_mem": 2e9, "max_dock_swap": 0}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("8", 8),
        ("ncpus - 2", 6),
        (" ncpus\n - 2 ", 6),
        ("max(1, ncpus - 20)", 1),
        ("min(ncpus, ram_bytes // max_dock_mem, 5)", 5),
        ("int(ncpus * 0.95)", 7),
        ("int(-2.5)", -2),
        ("round(ncpus / 3)", 3),
        ("round(ncpus / 3, 1)", 2.7),
        ("ncpus if ncpus <= 4 else ncpus - 4", 4),
        ("ncpus / 2 if ram_bytes > 1e9 and swap_bytes == 0 else 0", 4),
        ("ncpus > 4 and 3 or 1", 3),
        ("1 < ncpus < 9", 1),
        ("not ncpus", 0),
        ("2 ** 3 % 5", 3),
        ("-ncpus + +1", -7),
        ("0x10", 16),
        ("0x" + "f" * 254, 16.0**254),
        ("9" * 256, 1e256),
    ],
)
def test_arithmetic(expression: str, value: float) -> None:
    assert evaluate(expression, NAMES) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "isn't arithmetic"),
        ("ncpus -", "isn't arithmetic"),
        ("x = 1", "isn't arithmetic"),
        ("1if ncpus else 2", "isn't arithmetic"),
        ("\x00", "isn't arithmetic"),
        ("\ud800", "isn't arithmetic"),
        ("ncpu", "unknown name ncpu; known are ncpus, ram_bytes"),
        ("min", "unknown name min"),
        ("'8'", "contains '8', which isn't a number"),
        ("True", "contains True"),
        ("None", "contains None"),
        ("1j", "contains 1j"),
        ("...", "contains Ellipsis"),
        ("9**9**9", "too large"),
        ("1e308 * 10", "too large"),
        ("1e999", "too large"),
        ("9" * 120 + "**" + "9" * 120, "too large"),
        ("(-8) ** 0.5", "no value"),
        ("1 / 0", "divides by zero"),
        ("1 % (ncpus - 8)", "divides by zero where ncpus is 8"),
        ("1 // (ncpus > 9)", "divides by zero"),
        ("1 << 9", "more than arithmetic"),
        ("ncpus & 1", "more than arithmetic"),
        ("[1]", "more than arithmetic"),
        ("[n for n in (1, 2)]", "more than arithmetic"),
        ("(lambda: 1)()", "calls something else"),
        ("ncpus.real", "more than arithmetic"),
        ("f'{ncpus}'", "more than arithmetic"),
        ("ncpus in (1, 2)", "more than arithmetic"),
        ("(n := 3)", "more than arithmetic"),
        ("min(*ncpus)", "more than arithmetic"),
        ("min(ncpus, default=1)", "calls something else"),
        ("__import__('os').system('id')", "calls something else"),
        ("open(1)", "calls something else"),
        ("min(ncpus)", "wrong number of values"),
        ("int(1, 2)", "wrong number of values"),
        ("round(1, 1e308 * 10)", "too large"),
        ("+".join(["1"] * 200), "is 399 characters long; 256 are allowed"),
    ],
)
def test_what_is_not_arithmetic_is_refused_with_the_reason(expression: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why.replace("(", r"\(")):
        evaluate(expression, NAMES)


def test_defect_6_a_config_value_is_never_run_as_code(capfd: pytest.CaptureFixture[str]) -> None:
    for attempt in ('print("owned")', "().__class__.__bases__[0].__subclasses__()", "exec('1')", "eval('1')"):
        with pytest.raises(ExpressionError):
            evaluate(attempt, NAMES)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("expression", "ncpus", "expected"),
    [
        ("max(1, ncpus - 2)", 1, 1),
        ("max(1, ncpus - 2)", 40, 38),
        ("ncpus - 2", 1, 0),
        ("ncpus * 0.95", 2, 1),
        ("min(ncpus, ram_bytes / max_dock_mem)", 40, 8),
        ("1 / (ncpus - 3)", 3, 0),
    ],
)
def test_max_docks_is_rounded_down_and_never_negative(expression: str, ncpus: int, expected: int) -> None:
    assert max_docks(Settings(max_docks=expression), ncpus, 16 * GIB, 0) == expected


def test_what_merely_comes_out_negative_on_small_hosts_is_accepted() -> None:
    check(Settings(max_docks="ncpus - 100"))


@pytest.mark.parametrize("expression", ["8 / (ncpus - 7)", "swap_bytes / max_dock_swap", "ncpus ** 200", "cpus"])
def test_what_fails_on_some_host_is_refused_beforehand(expression: str) -> None:
    with pytest.raises(ExpressionError):
        check(Settings(max_docks=expression))


_PIECES = st.sampled_from(
    [
        *NAMES,
        "min(",
        "max(",
        "int(",
        "round(",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "<<",
        "9",
        "1e300",
        ".",
        *["if", "else", " ", "and", "not", "<", "==", "'a'", "[", "]", "lambda", ":"],
    ]
)


@given(
    st.text(max_size=300) | st.lists(_PIECES, max_size=60).map(" ".join) | st.lists(_PIECES, max_size=60).map("".join)
)
def test_any_text_has_a_finite_value_or_is_refused_at_once(expression: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ExpressionError):
        assert math.isfinite(evaluate(expression, NAMES))
    assert time.process_time() - began < 1.0
