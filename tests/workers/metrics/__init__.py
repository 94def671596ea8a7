"""Tests of plancton.workers.metrics."""
