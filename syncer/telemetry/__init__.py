"""Serves health, readiness and the Prometheus metrics."""
