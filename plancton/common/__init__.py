"""What two or more of Plancton's processes share, and nothing else."""
