"""Every series, made from what is heard: pure but for two files that read the clock and /proc."""
