"""What scripts/bench runs: a virtual cluster and its bare host, measured in turn."""
