"""The ending hand: stops, kills and removes pilots."""
