"""Real parts for tests: an engine, an InfluxDB, a server that never answers, and waiting without sleeping."""
