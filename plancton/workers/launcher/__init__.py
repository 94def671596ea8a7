"""The starting hand: makes images available and starts pilots up to the target."""
