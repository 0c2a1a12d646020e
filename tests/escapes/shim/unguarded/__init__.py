"""The syncer's guards, each with what the syncer would be without it."""
