"""Tests of plancton.workers.launcher."""
