"""Stand-ins for parts of planctond, each verified against the real one by a contract test."""
