"""Plancton: gives a machine's idle capacity to short-lived pilot containers, and takes it back at once."""

__version__ = "1.2.0"
