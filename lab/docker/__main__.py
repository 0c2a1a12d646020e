"""Runs the command line: `python -m lab.docker`."""

from lab.docker.cli import main

main(prog_name="scripts/docker")
