"""Runs the command line: `python -m tools.bench`."""

from tools.bench.cli import main

main(prog_name="scripts/bench")
