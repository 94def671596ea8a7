"""Tests of plancton.cli.simulation."""
