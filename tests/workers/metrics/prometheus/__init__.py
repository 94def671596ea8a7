"""Tests of what Prometheus finds."""
