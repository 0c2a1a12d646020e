"""Modules of the syncer, so that both know the same names. Made by scripts/generate."""
