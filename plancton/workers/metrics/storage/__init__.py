"""The points on disk: a bounded SQLite file, and what waits for it in memory."""
