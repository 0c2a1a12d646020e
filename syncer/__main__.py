"""`python3 -m syncer`."""

from syncer.cli import main

main()
