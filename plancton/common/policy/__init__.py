"""The policy towards the owner: pure, so that the scheduler runs it and planctonctl simulates it."""
