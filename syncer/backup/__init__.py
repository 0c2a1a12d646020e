"""Writes the virtual cluster's state into one archive while it runs, and restores it."""
