"""`python -m tools.audit` is what scripts/test audit runs."""

from tools.audit.cli import main

main(prog_name="scripts/test audit")
