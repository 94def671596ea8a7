"""planctonctl: what an operator types."""
