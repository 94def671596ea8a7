"""Tests of plancton.workers.probe."""
