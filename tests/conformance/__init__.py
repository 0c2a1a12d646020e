"""Kubernetes' own conformance suite, run against a virtual cluster on the lab."""
