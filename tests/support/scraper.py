"""A real scraper in Prometheus's place: Debian's victoria-metrics reads its configuration and answers PromQL."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.victoria import Victoria, victoria

Found = list[tuple[dict[str, str], list[float]]]
"""The labels of each series, and its values."""


class Scraper:
    """One that runs."""

    def __init__(self, server: Victoria) -> None:
        """Ask this server."""
        self._server = server

    def now(self, expression: str) -> Found:
        """Return what an expression is now: one value for each series."""
        return [(found["metric"], [float(found["value"][1])]) for found in self._ask("query", query=expression)]

    def over(self, expression: str, start: float, end: float, step: float) -> Found:
        """Return what an expression was over time, from ``start`` to ``end`` (in seconds since 1970)."""
        asked = {"query": expression, "start": f"{start}", "end": f"{end}", "step": f"{step}"}
        return [
            (found["metric"], [float(value) for _, value in found["values"]])
            for found in self._ask("query_range", **asked)
        ]

    def _ask(self, what: str, **arguments: str) -> list[dict[str, Any]]:
        address = f"{self._server.url}/api/v1/{what}?{urllib.parse.urlencode({**arguments, 'nocache': '1'})}"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(error.read().decode()) from None


@contextmanager
def scraper(directory: Path, *targets: str) -> Iterator[Scraper]:
    """Run one that scrapes these addresses every second."""
    directory.mkdir(exist_ok=True)
    config = directory / "scrape.yaml"
    jobs = [{"job_name": "plancton", "static_configs": [{"targets": list(targets)}]}]
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}), encoding="utf-8")
    # It waits for stragglers for half a minute by default.
    with victoria(directory, f"-promscrape.config={config}", "-search.latencyOffset=0s") as server:
        yield Scraper(server)
