"""A Docker Engine of the project's own, for machines where none answers."""
