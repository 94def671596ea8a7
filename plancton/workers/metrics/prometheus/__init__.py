"""What Prometheus finds at /metrics."""
