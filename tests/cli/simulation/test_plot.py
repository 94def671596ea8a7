"""The picture: it is drawn, the same each time, and holds what there was."""

from pathlib import Path

import pytest

from plancton.cli.simulation.plot import draw
from tests.cli.simulation.scenarios import played, scenario, steps


def test_the_same_simulation_gives_the_same_picture_with_all_that_happened(tmp_path: Path) -> None:
    what = scenario(steps((0.0, 0.0), (1000.0, 5.0), (2000.0, 0.0)), pilot_seconds=10_000.0)
    course = played(what).course()
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    for file in (first, second):
        draw(course, what, "a title", file)
    assert first.read_bytes() == second.read_bytes()
    drawn = first.read_text(encoding="utf-8")
    for text in ("a title", "owner", "pilots", "a pilot evicted", "after-eviction"):
        assert f"<!-- {text} -->" in drawn


@pytest.mark.parametrize("name", ["a.png", "a.PNG"])
def test_a_png_is_one(tmp_path: Path, name: str) -> None:
    what = scenario("idle", 600.0)
    draw(played(what).course(), what, "t", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    what = scenario("idle", 600.0)
    with pytest.raises(OSError, match="No such file"):
        draw(played(what).course(), what, "t", tmp_path / "missing" / "a.svg")
