"""`python -m tests.audit` is what scripts/test audit runs."""

from tests.audit.cli import main

main(prog_name="scripts/test audit")
