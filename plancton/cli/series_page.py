"""The page about the series, from their declarations."""

from collections.abc import Iterator

from plancton.common.series import EXITS, SERIES, Series

_INTRODUCTION = """\
planctond's metrics process writes these series into its store on disk, and from there to each InfluxDB of
`influxdb_url`. This page is generated from the declarations in `plancton/common/series.py` by
`python -m plancton.cli.reference`. A field may be added in a later version; none changes its meaning.

- Every point has the tag `hostname`: the machine's name without its domain.
- Every number is a float, counts and 0 or 1 too. The unit of each stands beside it; a field of the unit `text` is a
  string.
- What is unknown is absent, never 0. A point of which nothing is known isn't written.
- What happens at a moment is written then, with that moment as its time; of two such points with the same tags and
  time the later is put a nanosecond on. What is written every `main_sleep` is about the time since the last point:
  means are means over it, sums are to be summed up.
- Each event makes one point, however often it is told.
- A metrics process that is told to stop writes what it hasn't yet. What one that is killed hadn't written since its
  last points of `main_sleep` is in no sum, and the next one takes no time for watched that it didn't watch itself.
- Words in tags come from short lists, so that the number of InfluxDB's series stays small."""

QUERIES: dict[str, str] = {
    "What the owner and the pilots used": """\
SELECT mean("owner_cpus"), mean("pilots_cpus"), mean("ncpus") FROM "host"
WHERE time > now() - 1d GROUP BY time(5m), "hostname" fill(none)
""",
    "Core-hours given each day, of each machine": """\
SELECT sum("core_seconds") / 3600 FROM "given"
WHERE time > now() - 30d GROUP BY time(1d), "hostname" fill(none)
""",
    "How much of what the owners left was given, as a share of 1": """\
SELECT sum("core_seconds") / sum("free_core_seconds") FROM "given"
WHERE time > now() - 7d GROUP BY "hostname"
""",
    "What became of the pilots, and how much of their work was in vain": """\
SELECT count("oom_killed"), sum("cpu_seconds"), sum("lost_core_seconds") FROM "pilot"
WHERE time > now() - 7d GROUP BY "exit"
""",
    "For how long owners waited for what pilots had, in seconds": """\
SELECT percentile("first_seconds", 95), percentile("seconds", 95), max("seconds") FROM "handback"
WHERE time > now() - 30d GROUP BY "by"
""",
    "For how many seconds of each hour some process of the owner's was stalled while pilots ran": """\
SELECT sum("owner_stall_cpu_seconds"), sum("owner_stall_memory_seconds"), sum("owner_stall_io_seconds") FROM "given"
WHERE time > now() - 1d GROUP BY time(1h), "hostname" fill(none)
""",
    "Why nothing further may be launched now, where that is so": """\
SELECT last("reason"), last("mode") FROM "target"
WHERE time > now() - 1h GROUP BY "hostname"
""",
}
"""Examples in InfluxQL, by what they tell."""


def series_page() -> str:
    """Return the page that describes every series, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# Series", "", _INTRODUCTION)
    yield from ("", "## The original's", "", "With its names, tags and types, so that its dashboards live.")
    for name, series in SERIES.items():
        if series.original:
            yield from _section(name, series)
    yield from ("", "## Plancton's own")
    for name, series in SERIES.items():
        if not series.original:
            yield from _section(name, series)
    yield from ("", "## Queries", "", "In InfluxQL, as 1.x, 2.x and 3.x understand it.")
    for what, query in QUERIES.items():
        yield from ("", f"{what}:", "", "```sql", query.rstrip(), "```")


def _section(name: str, series: Series) -> Iterator[str]:
    yield from ("", f"### `{name}`", "", f"{series.description} Written {series.written}.", "")
    if series.tags:
        yield from ("| tag | tells |", "|---|---|")
        yield from (f"| `{tag}` | {tells} |" for tag, tells in series.tags.items())
        yield ""
    yield from ("| field | unit | tells |", "|---|---|---|")
    yield from (f"| `{field}` | {told.unit} | {told.description} |" for field, told in series.fields.items())
    if "exit" in series.tags:
        yield from ("", "| exit | what came of the pilot |", "|---|---|")
        yield from (f"| `{end}` | {meaning} |" for end, meaning in EXITS.items())
