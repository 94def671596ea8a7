"""How old the probe's looks may be: an older one counts as unknown, for the decision and for whoever tells of it."""

HOST_BOUND_SECONDS = 15.0
POOL_BOUND_SECONDS = 25.0
