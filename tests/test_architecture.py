"""The rules that keep the code in its rooms, by the tables of ``tests/rooms.py``, and the sizes of files."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.rooms import DECISIONS, FACTS, IMPURE, IMPURE_CALLS, MAY_IMPORT, ONLY_IMPORTED_BY
from tests.support.running import REPOSITORY

PACKAGE = REPOSITORY / "plancton"
LIMITS: dict[str, tuple[int, int]] = {"plancton": (300, 40), "tests": (400, 60), "bench": (400, 60)}
"""For each tree the most lines of a file and of a function."""

NO_NAMES = re.compile(r"util|helper|misc", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")

WHOLE = ("tests/test_architecture.py", "tests/test_bench.py", "tests/test_docs.py", "tests/system/")
"""Tests of no single source file: of the code as a whole, the benchmarks, the documentation, the running system."""


@cache
def files(tree: str) -> tuple[str, ...]:
    """Return the Python files of the tree, as paths within the repository."""
    return tuple(sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / tree).rglob("*.py")))


@cache
def syntax(file: str) -> ast.Module:
    """Return the file's syntax tree."""
    return ast.parse((REPOSITORY / file).read_text(encoding="utf-8"), file)


def imports(file: str) -> Iterator[str]:
    """Yield what the file imports, at any depth: ``a.b`` for ``import a.b``, ``a.b.c`` for ``from a.b import c``."""
    for node in ast.walk(syntax(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(file: str) -> Iterator[str]:
    """Yield the paths of Plancton's own files that the file imports; a package stands as its ``__init__.py``."""
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "plancton":
            continue
        # The last part is a module, or something within the module before it.
        for end in (len(parts), len(parts) - 1):
            path = Path(*parts[:end])
            found = [each for each in (path.with_suffix(".py"), path / "__init__.py") if (REPOSITORY / each).exists()]
            if found:
                yield str(found[0])
                break


def fits(file: str, paths: Iterable[str]) -> bool:
    """Tell whether the file is one of the paths, or below one that ends in a slash."""
    return any(file == path or (path.endswith("/") and file.startswith(path)) for path in paths)


def rule_for(file: str) -> tuple[str, ...] | None:
    """Return what the file may import, None where the table doesn't know the file."""
    rules = [path for path in MAY_IMPORT if fits(file, [path])]
    return MAY_IMPORT[max(rules, key=len)] if rules else None


def test_each_file_has_its_room() -> None:
    homeless = [file for file in files("plancton") if rule_for(file) is None and not file.endswith("__init__.py")]
    assert homeless == []


def test_imports_go_in_the_allowed_directions() -> None:
    wrong = [
        f"{file} imports {imported}"
        for file in files("plancton")
        for imported in own_imports(file)
        if imported != "plancton/__init__.py" and not fits(imported, rule_for(file) or ())
    ]
    assert wrong == []


def test_libraries_are_imported_only_where_the_table_says() -> None:
    wrong = [
        f"{file} imports {name}"
        for file in files("plancton")
        for name in imports(file)
        if not fits(file, ONLY_IMPORTED_BY.get(name.split(".")[0], (file,)))
    ]
    assert wrong == []


def pure_files() -> list[str]:
    """Return the facts and decisions that exist; that all do is a test of its own."""
    return [file for file in (*FACTS, *DECISIONS) if (REPOSITORY / file).exists()]


def test_facts_and_decisions_import_nothing_of_the_outside_world() -> None:
    wrong = [
        f"{file} imports {name}" for file in pure_files() for name in imports(file) if name.split(".")[0] in IMPURE
    ]
    assert wrong == []


def test_facts_and_decisions_import_no_hands() -> None:
    wrong = [
        f"{file} imports {imported}"
        for file in pure_files()
        for imported in own_imports(file)
        if imported not in (*FACTS, *DECISIONS) and not imported.endswith("__init__.py")
    ]
    assert wrong == []


def test_facts_and_decisions_touch_no_file_and_no_wall_clock() -> None:
    wrong = [
        f"{file}:{node.lineno} {ast.unparse(node.func)}"
        for file in pure_files()
        for node in ast.walk(syntax(file))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in {"now", "today", "read_text", "write_text"})
        )
    ]
    assert wrong == []


def test_files_and_functions_stay_small() -> None:
    too_large = []
    for tree, (file_lines, function_lines) in LIMITS.items():
        for file in files(tree):
            lines = (REPOSITORY / file).read_text(encoding="utf-8").count("\n")
            if lines > file_lines:
                too_large.append(f"{file} has {lines} lines")
            for node in ast.walk(syntax(file)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    if length > function_lines:
                        too_large.append(f"{file}:{node.lineno} {node.name} has {length} lines")
    assert too_large == []


def test_no_file_is_named_for_being_useful() -> None:
    assert [file for tree in LIMITS for file in files(tree) if NO_NAMES.search(Path(file).name)] == []


def test_nothing_is_left_for_later() -> None:
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, stdout=-1, check=False)
    tracked = listing.stdout.decode().splitlines() or [file for tree in LIMITS for file in files(tree)]
    unfinished = []
    for file in tracked:
        path = REPOSITORY / file
        if file == "LICENSE" or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if UNFINISHED.search(line):
                unfinished.append(f"{file}:{number}")
    assert unfinished == []


def sources_of(test: str) -> list[str]:
    """Return the places where the source of a test file may be."""
    folder, name = Path(test).parent.relative_to("tests"), Path(test).stem.removeprefix("test_")
    if folder.parts[:1] in {("support",), ("fakes",)}:
        return [f"tests/{folder}/{name}.py"]
    if folder.parts[:1] == ("tools",):
        return [f"tools/{name.replace('_', '-')}"]
    places = [Path("plancton") / folder] if folder.parts else [PACKAGE.relative_to(REPOSITORY), Path("plancton/common")]
    return [str(place / f"{name}.py") for place in places]


def test_each_test_file_stands_beside_a_source_file() -> None:
    alone = [
        test
        for test in files("tests")
        if Path(test).name.startswith("test_")
        and not fits(test, WHOLE)
        and not any((REPOSITORY / source).exists() for source in sources_of(test))
    ]
    assert alone == []


def test_each_decision_has_its_tests() -> None:
    tested = {source for test in files("tests") for source in sources_of(test)}
    assert [file for file in DECISIONS if file not in tested] == []


def test_the_tables_name_only_files_that_exist() -> None:
    named = {*FACTS, *DECISIONS, *MAY_IMPORT, *(path for paths in ONLY_IMPORTED_BY.values() for path in paths)}
    assert sorted(path for path in named if not (REPOSITORY / path).exists()) == []
