"""`python -m tests.faults` is what scripts/test faults runs."""

from tests.faults.cli import main

main()
