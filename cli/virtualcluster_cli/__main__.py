"""`python -m virtualcluster_cli`."""

from virtualcluster_cli.main import run

run()
