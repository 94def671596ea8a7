"""The voice: turns facts and outcomes into counters and points."""
