"""Empty cgroups are removed, those with something in them stay."""

from pathlib import Path

from plancton.supervisor.cgroups import remove_empty


def test_only_this_instances_empty_cgroups_are_removed(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    lines = []
    for hierarchy, kind in (("cpu", "cgroup"), ("memory", "cgroup"), ("unified", "cgroup2"), ("other", "tmpfs")):
        (tmp_path / hierarchy / "plancton-0badcafe").mkdir(parents=True)
        (tmp_path / hierarchy / "plancton-00000000").mkdir()
        lines.append(f"{kind} {tmp_path / hierarchy} {kind} rw 0 0\n")
    (tmp_path / "memory" / "plancton-0badcafe" / "pilot").mkdir()
    mounts.write_text("".join(lines), encoding="utf-8")
    remove_empty("0badcafe", mounts)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/plancton-0badcafe"))
    assert left == ["memory/plancton-0badcafe", "other/plancton-0badcafe"]
    assert len(list(tmp_path.glob("*/plancton-00000000"))) == 4
