"""The picture of the history: drawn, the same each time, with gaps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.cli.buckets import edges
from plancton.cli.history_figures import Summary
from plancton.cli.history_plot import draw
from plancton.cli.history_summary import summarise
from tests.cli.history_samples import NOW, berlin, points


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def summed(hours: float = 6.0, size: float = 1800.0) -> Summary:
    """Return the sums of some hours."""
    since = NOW - hours * 3600.0
    return summarise([each for each in points() if each.time_unix_ns / 1e9 > since], edges(since, NOW, size))


def test_the_same_history_gives_the_same_picture_with_all_that_happened(tmp_path: Path) -> None:
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    for file in (first, second):
        draw(summed(), "a title", file)
    assert first.read_bytes() == second.read_bytes()
    drawn = first.read_text(encoding="utf-8")
    for text in ("a title", "owner", "pilots", "pilots evicted", "max-docks", "owner-cpu", "07:30", "12:00"):
        assert f"{text} -->" in drawn


@pytest.mark.parametrize("summary", [summed(), summed(0.1, 60.0), summarise([], [NOW - 3600.0, NOW])])
def test_a_png_is_one_also_of_nothing(tmp_path: Path, summary: Summary) -> None:
    draw(summary, "t", tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        draw(summed(), "t", tmp_path / "missing" / "a.svg")
