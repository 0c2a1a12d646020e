"""Runs the command line: `python -m tests.conformance`."""

from tests.conformance.cli import main

main(prog_name="scripts/test conformance")
