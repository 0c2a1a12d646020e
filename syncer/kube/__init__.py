"""Knows Kubernetes (client, reflector, store, work queue), nothing of virtual clusters."""
