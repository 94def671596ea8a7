"""What is in a store, as somebody else reads it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def rows_on_disk(path: Path, query: str) -> list[Any]:
    """Return the rows that a query finds."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()
