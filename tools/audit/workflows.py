"""What actionlint and zizmor say of the workflows: whether they would run, and on whose words."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from lab import gobuild
from lab.cache import Cache
from lab.errors import LabError
from lab.paths import REPO
from lab.progress import Progress
from tools.audit import tools
from tools.audit.findings import Finding, Looked
from tools.docs import blocks

PART = "workflows"
ZIZMOR = ("--offline", "--no-exit-codes", "--no-progress", "--quiet", "--format", "json-v1")
ACTIONLINT = ("-shellcheck=", "-pyflakes=", "-format", "{{json .}}")
"""Without what may be installed beside it: everybody's findings are the same."""


def look(*files: Path) -> Looked:
    """Read workflows, all that there are if none is given: our own, and those that docs show."""
    chosen = files or (*sorted((REPO / ".github" / "workflows").iterdir()), *_of_docs())
    looked = Looked(PART, findings=_linted(*chosen))
    looked.findings += read(tools.ask("zizmor", *ZIZMOR, *chosen)[0])
    with_findings = {each.where for each in looked.findings}
    looked.good = len({_path(str(each)) for each in chosen} - with_findings)
    return looked


def _of_docs() -> list[Path]:
    """Write the workflows of the documentation where they can be read; return the files."""
    found = []
    for page in blocks.pages():
        for block in blocks.read(page):
            if block.file.startswith(".github/workflows/"):
                file = REPO / "build" / "audit" / f"{page.stem}-{Path(block.file).name}"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)
                found.append(file)
    return found


def read(answer: list[dict[str, Any]]) -> list[Finding]:
    """Return what zizmor's report says."""
    found = []
    for each in answer:
        (place,) = [p for p in each["locations"] if p["symbolic"]["kind"] == "Primary"]
        where = _path(place["symbolic"]["key"]["Local"]["verbatim_path"])
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        found.append(Finding(each["ident"], where, f"line {line}: {each['desc']}"))
    return found


def _linted(*files: Path) -> list[Finding]:
    program = gobuild.build(Cache(Progress()), gobuild.ACTIONLINT) / "actionlint"
    command = [str(program), *ACTIONLINT, *map(str, files)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: it has found something
        raise LabError(f"actionlint ended with {done.returncode}: {done.stderr.strip()}")
    return [
        Finding(each["kind"], _path(each["filepath"]), f"line {each['line']}: {each['message']}")
        for each in json.loads(done.stdout)
    ]


def _path(name: str) -> str:
    return name.removeprefix(f"{REPO}/")
