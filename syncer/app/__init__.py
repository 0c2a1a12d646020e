"""Wires the parts together: the start order, one term of leadership, the end."""
