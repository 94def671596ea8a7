"""Tests of plancton.common."""
