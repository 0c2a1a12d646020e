"""The command line of virtualcluster: create, enter and understand virtual clusters."""

__version__ = "0.1.0"
