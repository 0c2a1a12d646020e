"""Elects the one replica that writes, by a Lease on the host."""
