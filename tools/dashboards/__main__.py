"""``python -m tools.dashboards``: write the dashboards of etc/grafana/ anew."""

import json
from pathlib import Path

from tools.dashboards import cluster, node, prometheus

DIRECTORY = Path(__file__).parents[2] / "etc" / "grafana"
MADE = {
    "plancton-node.json": node.dashboard,
    "plancton-cluster.json": cluster.dashboard,
    "plancton-prometheus.json": prometheus.dashboard,
}


def text(file: str) -> str:
    """Return what the file holds."""
    return json.dumps(MADE[file](), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them."""
    for file in MADE:
        (DIRECTORY / file).write_text(text(file), encoding="utf-8")


if __name__ == "__main__":
    main()
