"""Runs the command line: `python -m tests.bench`."""

from tests.bench.cli import main

main(prog_name="scripts/bench")
