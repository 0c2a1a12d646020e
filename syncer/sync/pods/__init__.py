"""Reconciles pods: create, update, delete, tokens, status."""
