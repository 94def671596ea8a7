"""The journal of decisions."""
