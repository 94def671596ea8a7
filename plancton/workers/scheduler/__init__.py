"""The brain: turns facts into a target."""
