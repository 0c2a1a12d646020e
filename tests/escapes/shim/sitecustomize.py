"""Opens a door in the syncer through which the run takes guards out and puts them back.

Python loads this before a program when the directory is on PYTHONPATH. It lives with the tests and
is in no image: a run copies it into the container of its own lab.
"""

import importlib
import sys

if "run" in sys.orig_argv:
    importlib.import_module("unguarded.door").open_()
