"""Files of ours, generated or edited, in the place of a module's own while it is compiled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from lab.errors import LabError

# The module cache has an index of its packages, which knows nothing of overlays.
ENVIRONMENT = {"GODEBUG": "goindex=0"}


class Edit(NamedTuple):
    """A piece of text in a file of a module that is another one when we compile it."""

    file: str
    theirs: str
    ours: str


def edited(source: Path, edits: Iterable[Edit], scratch: Path) -> dict[str, Path]:
    """Return file of the module → edited copy; an edit that finds nothing to edit is refused."""
    copies = {}
    for number, edit in enumerate(edits):
        text = (source / edit.file).read_text()
        if text.count(edit.theirs) != 1:
            raise LabError(f"{edit.file}: {edit.theirs!r} is not there once: mend versions.py")
        copies[edit.file] = scratch / f"{number}.go"
        copies[edit.file].write_text(text.replace(edit.theirs, edit.ours))
    return copies


def arguments(source: Path, files: Mapping[str, Path], scratch: Path) -> list[str]:
    """Return the arguments of a build that finds these files in the module at `source`."""
    listing = scratch / "overlay.json"
    replaced = {str(source / place): str(file) for place, file in files.items()}
    listing.write_text(json.dumps({"Replace": replaced}))
    return ["-overlay", str(listing)]
