"""The five workers, each a process of its own, and the loop they share."""
