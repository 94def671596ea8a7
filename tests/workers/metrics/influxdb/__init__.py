"""Tests of each InfluxDB."""
