"""The ending hand: suspends, stops, kills and removes pilots."""
