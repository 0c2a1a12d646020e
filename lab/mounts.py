"""Directories that a node's daemons see in other places than the machine does.

Each such daemon has a mount namespace of its own, so that a node's daemons can be restarted one by
one. What one of them mounts below the node's directory, the others must see: the kubelet mounts
volumes, the runtime puts them into containers. So that directory is a mount shared by all.
"""

from __future__ import annotations

from pathlib import Path

from lab.run import output

Binds = tuple[tuple[Path, Path], ...]
"""Pairs: a directory, and the directory in whose place a daemon sees it."""

POD_LOGS = Path("/var/log/pods")

# The mount that the place is in stops being shared first: else the machine would see it as well.
_ENTER = """
while [ "$1" != -- ]; do
  mount --make-private "$(findmnt --noheadings --output TARGET --target "$2")"
  mount --bind "$1" "$2" || exit
  shift 2
done
shift
exec "$@"
"""


def share(directory: Path) -> None:
    """Let every daemon see what another one mounts below a directory."""
    points = Path("/proc/self/mountinfo").read_text().splitlines()
    if not any(line.split()[4] == str(directory) for line in points):
        output(["mount", "--bind", directory, directory])
        output(["mount", "--make-shared", directory])


def entering(binds: Binds) -> list[str]:
    """Return the command that runs the command behind it with directories put elsewhere."""
    if not binds:
        return []
    for _, place in binds:
        place.mkdir(parents=True, exist_ok=True)
    pairs = [str(path) for pair in binds for path in pair]
    return [
        *("unshare", "--mount", "--propagation", "unchanged"),
        *("/bin/sh", "-c", _ENTER, "sh", *pairs, "--"),
    ]
