"""Tests of plancton.workers."""
