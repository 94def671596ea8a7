"""Tests of plancton.common.policy."""
