"""`python -m tests.escapes` is what scripts/test escapes runs."""

from tests.escapes.cli import main

main()
