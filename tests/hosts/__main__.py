"""Runs the command line: `python -m tests.hosts`."""

from tests.hosts.cli import main

main(prog_name="scripts/test hosts")
