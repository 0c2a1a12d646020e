"""Reconciles every kind: one module for each, the rules common to all, and the controller."""
