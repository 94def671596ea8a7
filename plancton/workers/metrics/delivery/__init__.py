"""From the store to each sink, in order."""
