"""The table for people: every figure beside the references of the same run, then the targets."""

from collections.abc import Iterable

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bench.results import Check, Fill, Results, Window, margin, median_of, pooled_gaps, quantile, select, slowdowns
from bench.spans import middle

SUBJECTS = ("bare engine", "restart=always", "planctond")
Row = tuple[str, ...]


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _against_references(what: str, values: dict[str, float | None], digits: int, unit: str = "") -> Row:
    ours, reference = values.get("planctond"), values.get("restart=always")
    ratio = ours / reference if ours is not None and reference else None
    cells = (_number(values.get(subject), digits, unit) for subject in SUBJECTS)
    return (what, *cells, _number(ratio, 2))


def _fill_rows(fills: list[Fill]) -> Iterable[Row]:
    by_subject = {subject: [fill for fill in fills if fill.subject == subject] for subject in SUBJECTS}
    values = {subject: median_of(found, lambda fill: fill.seconds) for subject, found in by_subject.items()}
    if fills:
        yield _against_references(f"time to {fills[0].pilots} pilots", values, 2, " s")


def _window_rows(windows: list[Window], shown: frozenset[str]) -> Iterable[Row]:
    for life in sorted({window.life_seconds for window in windows}):
        found = {subject: select(windows, subject, life) for subject in SUBJECTS}
        if "occupancy" in shown:
            values = {who: median_of(these, lambda window: window.occupancy) for who, these in found.items()}
            yield _against_references(f"occupancy, pilots of {life} s", values, 3)
        if "gap" in shown:
            for name, fraction in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
                values = {who: quantile(pooled_gaps(these), fraction) for who, these in found.items()}
                yield _against_references(f"gap, pilots of {life} s, {name}", values, 2, " s")
        most = {
            who: max((float(window.most_at_once) for window in these), default=None) for who, these in found.items()
        }
        yield _against_references(f"most at once, pilots of {life} s", most, 0)


def _compared(results: Results, shown: frozenset[str]) -> Table | None:
    rows = [*_fill_rows(results.fills), *_window_rows(results.windows, shown)]
    if not rows:
        return None
    table = Table(title="beside the references of the same run (medians)", title_justify="left")
    table.add_column("figure")
    for subject in (*SUBJECTS, "planctond to restart=always"):
        table.add_column(subject, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _own(results: Results) -> Table | None:
    rows: list[Row] = []
    for way in results.launches:
        each = middle([seconds * 1000 for seconds in way.seconds])
        rate = len(way.seconds) / way.wall_seconds
        rows.append((f"bare launch, {way.at_once} at once", f"{_number(each, 0, ' ms')} each, {rate:.1f} a second"))
    for worker in dict.fromkeys(recovery.worker for recovery in results.recoveries):
        these = [recovery for recovery in results.recoveries if recovery.worker == worker]
        seconds = _number(median_of(these, lambda each: each.seconds), 2, " s")
        effect = _number(median_of(these, lambda each: each.effect_seconds), 2, " s")
        rows.append((f"kill -9 of the {worker}", f"back after {seconds}; pilot's {these[0].effect} after {effect}"))
    if results.status_seconds:
        rows.append(("one planctonctl status", _number(middle(results.status_seconds), 2, " s")))
    for pilots in sorted({footprint.pilots for footprint in results.footprints}):
        idle = [footprint for footprint in results.footprints if footprint.pilots == pilots]
        cpu = _number(median_of(idle, lambda each: each.cpu_seconds_per_minute), 2, " s a minute")
        pss = _number(median_of(idle, lambda each: each.pss_bytes / 1048576), 1, " MiB")
        rows.append((f"{pilots} idle pilots", f"PSS {pss} in {idle[0].processes} processes, CPU {cpu}"))
    rows += [*_slowdown_rows(results), *_yield_rows(results)]
    if not rows:
        return None
    table = Table("figure", "measured", title="by itself (medians)", title_justify="left")
    for row in rows:
        table.add_row(*row)
    return table


def _slowdown_rows(results: Results) -> Iterable[Row]:
    for weight in dict.fromkeys(each.weight for each in results.slowdowns):
        these = [each for each in results.slowdowns if each.weight == weight]
        ratios = slowdowns(results, weight)
        alone = _number(median_of(these, lambda each: middle(each.alone_seconds)), 2, " s")
        share = _number(median_of(these, lambda each: each.pilots_share * 100), 1, "%")
        what = f"owner's job, {these[0].pilots} burning pilots, weight {weight}"
        ratio = f"x{_number(middle(ratios), 3)} ± {_number(margin(ratios), 3)}"
        yield what, f"{ratio} of {alone}, {len(ratios)} times; pilots got {share}"


def _yield_rows(results: Results) -> Iterable[Row]:
    for rung in dict.fromkeys(each.rung for each in results.yields):
        these = [each for each in results.yields if each.rung == rung]
        first = _number(median_of(these, lambda each: each.first_seconds), 1, " s")
        last = _number(median_of(these, lambda each: each.all_seconds), 1, " s")
        timed = f"first {first}, all {last}; due after {these[0].timer_seconds:.0f} s"
        yield f"{these[0].pilots} burning pilots {rung} for the owner", timed


def _targets(found: list[Check]) -> Table | None:
    if not found:
        return None
    table = Table("target", "wanted", "measured", "", title="targets", title_justify="left")
    for check in found:
        verdict = Text("met", "green") if check.met else Text("missed", "bold red")
        table.add_row(check.what, check.target, Text(check.measured), verdict)
    return table


def show(console: Console, results: Results, found: list[Check], shown: frozenset[str]) -> None:
    """Print the facts, what was measured (``shown``: the names given to ``--only``) and the targets."""
    told = results.facts
    head = (
        f"{told['cpus']} CPUs ({told['cpu_model']}), load {told['load_1min_before']:.2f} before the first run\n"
        f"engine {told['engine']}, {told['storage_driver']}, cgroup {told['cgroup_version']}\n"
        f"plancton {told['plancton'] or 'not installed'}, commit {told['commit'] or 'unknown'}"
        f"{', changed since' if told['changed_since_commit'] else ''}\n"
        f"pilots: {told['pilot_cpus']} CPUs each, network {told['pilot_network']}"
    )
    tables = (_compared(results, shown), _own(results), _targets(found))
    console.print(Text(head), Group(*(table for table in tables if table is not None)), sep="\n")
