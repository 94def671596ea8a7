"""Fast stand-ins for real parts; each has contract tests that also run against the real one."""
