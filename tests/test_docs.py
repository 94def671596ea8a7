"""The documentation names only what exists: commands, options, Makefile targets, files, settings, reasons, series."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest

from plancton.cli.main import VERBS
from plancton.cli.main import main as planctonctl
from plancton.common.config import Loaded, parse
from plancton.common.declarations import DECLARATIONS
from plancton.common.paths import resolve
from plancton.common.reasons import Reason
from plancton.planctond import main as planctond
from tests.support.running import REPOSITORY

PAGES = tuple(
    str(path.relative_to(REPOSITORY))
    for path in (*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md")))
)
PROGRAMS: dict[str, click.Command] = {"planctonctl": planctonctl, "planctond": planctond}
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):.*## ", re.MULTILINE)
GENERATED = frozenset({"docs/settings.md", "docs/series.md", "docs/prometheus.md"})
"""Made from the code, which other tests see to."""
HISTORY = "CHANGELOG.md"
"""It names what existed once."""


@cache
def text(page: str) -> str:
    """Return the page."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return the page as one line without its blocks of code, so that nothing is torn apart by a line's end."""
    return CODE.sub("", text(page)).replace("\n", " ")


def commands(page: str) -> Iterator[list[str]]:
    """Yield the words of what the page tells the reader to type: the lines of its code, and code within sentences."""
    blocks = CODE.findall(text(page))
    lines = [line for block in blocks for line in block.splitlines()[1:-1]]
    lines += INLINE.findall(prose(page))
    for line in lines:
        typed = re.split(r"\s+[#|]\s?|\s*;|\s&&\s|…", line.strip())[0]
        first, *rest = typed.split(maxsplit=1)[:2] if typed else [""]
        program = Path(first).name
        # "planctonctl:" begins a message, "planctond 1.0.0, …" an answer; neither is to be typed.
        if program in {*PROGRAMS, "make"} and not re.match(r"\d", rest[0] if rest else ""):
            yield [program, *shlex.split(rest[0] if rest else "")]


def wrong_in(command: click.Command, words: list[str]) -> str | None:
    """Return the first word that the command doesn't know, None where it knows all."""
    waiting = list(words)
    options = {name: option for option in command.params if isinstance(option, click.Option) for name in option.opts}
    options |= {"-h": click.Option(["-h", "--help"], is_flag=True), "--help": click.Option(["--help"], is_flag=True)}
    while waiting:
        word = waiting.pop(0)
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            # The path options are accepted after the verb as well.
            option = options.get(name) or next((o for o in planctonctl.params if name in o.opts), None)
            if not isinstance(option, click.Option):
                return word
            if not option.is_flag and not equals and waiting:
                waiting.pop(0)
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            return word if found is None else wrong_in(found, waiting)
        elif not any(isinstance(parameter, click.Argument) for parameter in command.params):
            return word
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_that_the_programs_know(page: str) -> None:
    targets = set(TARGET.findall(text("Makefile")))
    wrong = []
    for program, *words in commands(page):
        bad = (set(words) - targets) if program == "make" else wrong_in(PROGRAMS[program], words)
        if bad:
            wrong.append(f"{program} {' '.join(words)}: {bad}")
    assert wrong == []


def test_commands_are_found_and_wrong_ones_are_told() -> None:
    assert ["make", "run"] in list(commands("README.md"))
    assert ["planctonctl", "start"] in list(commands("README.md"))
    assert ["planctonctl", "status", "--json"] in list(commands("docs/operator.md"))
    assert wrong_in(planctonctl, ["status", "--json", "--rundir", "/x"]) is None
    assert wrong_in(planctonctl, ["config", "check", "FILE"]) is None
    assert wrong_in(planctonctl, ["statu"]) == "statu"
    assert wrong_in(planctonctl, ["config", "chek"]) == "chek"
    assert wrong_in(planctonctl, ["stop", "--fast"]) == "--fast"
    assert wrong_in(planctonctl, ["stop", "now"]) == "now"


def test_the_readme_lists_every_verb_in_the_help_s_order() -> None:
    listed = re.findall(r"^\| `planctonctl ([a-z-]+)` \|", text("README.md"), re.MULTILINE)
    assert sorted(listed) == sorted([*VERBS, "help"])


def test_the_readme_names_the_paths_that_are_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("HOME", "/home/somebody")
    for user in (False, True):
        paths = resolve(user=user)
        for path in (paths.config_file, paths.log_file, paths.rundir, paths.pidfile):
            assert f"`{path}`".replace("/home/somebody", "~") in text("README.md")


def anchors(page: str) -> set[str]:
    """Return the anchors that a page's headings make, as the usual renderers make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text(page))}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        file, _, anchor = link.partition("#")
        if "://" in file:
            continue
        target = ((REPOSITORY / page).parent / file).resolve() if file else REPOSITORY / page
        if not target.exists() or (anchor and anchor not in anchors(str(target.relative_to(REPOSITORY)))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_files_of_the_repository_that_are_named_exist(page: str) -> None:
    named = re.findall(r"`((?:plancton|common|supervisor|workers|tests|tools|etc|docs|bench)/[\w./-]*)`", text(page))
    places = (REPOSITORY, REPOSITORY / "plancton")
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in {HISTORY, *GENERATED}])
def test_words_that_look_like_settings_are_some(page: str) -> None:
    others = {"ca_file", "password_file", "recorded_seconds", "smaps_rollup", "token_file"}
    words = {word for word in INLINE.findall(prose(page)) if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", word)}
    assert sorted(words - set(DECLARATIONS) - others) == []


def test_the_settings_that_are_new_are_in_the_changelog() -> None:
    for name in (
        "stop_grace",
        "docker_url",
        "docker_network",
        "log_level",
        "history_size",
        "prometheus_address",
        "output_size",
    ):
        assert name in DECLARATIONS
        assert f"`{name}`" in text(HISTORY)


@pytest.mark.parametrize("page", PAGES)
def test_configurations_in_yaml_are_valid(page: str) -> None:
    for block in re.findall(r"^```yaml\n(.*?)^```$", text(page), re.MULTILINE | re.DOTALL):
        loaded = parse(block, page)
        assert isinstance(loaded, Loaded), loaded
        assert loaded.warnings == ()


def test_the_operator_finds_every_reason() -> None:
    assert [reason for reason in Reason if f"`{reason}`" not in text("docs/operator.md")] == []


def test_defaults_that_the_owner_s_page_tells_are_the_defaults() -> None:
    page = text("docs/owner.md").replace("\n", " ")
    for name, told in (
        ("grace_kill", "(120 s)"),
        ("stop_grace", "(10 s)"),
        ("grace_spawn", "(60 s)"),
        ("cpus_per_dock", "(1)"),
    ):
        assert f"`{name}` {told}" in page
        assert DECLARATIONS[name].default == float(told.strip("()s "))
    assert "`max_ttl` (12 hours)" in page
    assert DECLARATIONS["max_ttl"].default == 12 * 3600


def test_the_picture_is_an_image_with_words_for_those_who_do_not_see_it() -> None:
    namespace = "{http://www.w3.org/2000/svg}"
    picture = ET.parse(REPOSITORY / "docs" / "flow.svg").getroot()  # noqa: S314 - our own file
    assert picture.tag == f"{namespace}svg"
    for part in ("title", "desc"):
        assert (picture.findtext(f"{namespace}{part}") or "").strip()
    words = " ".join(filter(None, (node.text for node in picture.iter(f"{namespace}text"))))
    for process in ("probe", "scheduler", "launcher", "reaper", "metrics", "supervisor", "planctonctl"):
        assert process in words
    for page, link in (("README.md", "docs/flow.svg"), ("docs/architecture.md", "flow.svg")):
        assert re.search(rf"^!\[[^\]]{{100,}}\]\({link}\)$", text(page), re.MULTILINE)
