"""Tests of plancton.workers.scheduler."""
