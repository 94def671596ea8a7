"""Plancton's own benchmarks: black box, from the engine's own events."""
