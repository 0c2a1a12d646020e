"""Builds what the fast part needs, for whoever has other work to do meanwhile.

    nice python -m tests.hosts.ahead

Compiling a version of Kubernetes takes all processors for minutes; end-to-end tests mostly wait.
Whoever needs the same at the same time waits for this build instead of making another.
"""

from __future__ import annotations

from tests.hosts import presets
from tests.lab.assets import Assets
from tests.lab.progress import Progress
from tests.lab.versions import KUBERNETES


def main() -> None:
    """Build the versions of the fast part, unless they are there."""
    progress = Progress()
    for minor in presets.fast([each for each in presets.minors() if each in KUBERNETES]):
        Assets(progress, minor).kubernetes()


if __name__ == "__main__":
    main()
