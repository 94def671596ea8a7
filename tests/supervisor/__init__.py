"""Tests of plancton.supervisor."""
