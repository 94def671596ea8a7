"""What runs in planctond's own process: the keeper of the workers."""
