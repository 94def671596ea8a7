"""The eyes: samples the host and the pilots' cgroups, and watches the engine."""
