"""Tests of plancton.workers.reaper."""
