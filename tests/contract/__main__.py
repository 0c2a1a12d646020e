"""Runs the command line: `python -m tests.contract`."""

from tests.contract.cli import main

main(prog_name="scripts/test contract")
