"""Plancton's tests: one file for each source file."""
