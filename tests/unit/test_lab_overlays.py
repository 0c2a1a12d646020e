"""Files of a module that the lab compiles otherwise: what is edited must be there to be edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import openapi
from lab.errors import LabError
from lab.overlays import Edit, arguments, edited


@pytest.fixture
def source(tmp_path: Path) -> Path:
    module = tmp_path / "module"
    (module / "pkg").mkdir(parents=True)
    (module / "pkg" / "a.go").write_text("// +build cgo,linux\n\npackage pkg\n")
    return module


def test_the_copy_says_what_we_want_and_the_module_is_left_alone(
    source: Path, tmp_path: Path
) -> None:
    copies = edited(source, [Edit("pkg/a.go", "cgo,linux", "linux")], tmp_path)
    assert copies["pkg/a.go"].read_text() == "// +build linux\n\npackage pkg\n"
    assert "cgo" in (source / "pkg" / "a.go").read_text()
    flag, listing = arguments(source, copies, tmp_path)
    assert flag == "-overlay"
    assert json.loads(Path(listing).read_text()) == {
        "Replace": {str(source / "pkg/a.go"): str(copies["pkg/a.go"])}
    }


@pytest.mark.parametrize("theirs", ["darwin", "i"])
def test_an_edit_that_does_not_fit_its_version_is_refused(
    source: Path, tmp_path: Path, theirs: str
) -> None:
    with pytest.raises(LabError, match=r"pkg/a\.go: .* is not there once"):
        edited(source, [Edit("pkg/a.go", theirs, "x")], tmp_path)


def test_the_packages_of_the_definitions_are_the_blank_imports() -> None:
    text = 'import (\n\t_ "k8s.io/api/core/v1"\n\t"fmt"\n\t_ "k8s.io/api/apps/v1"\n)\n'
    assert openapi.subjects(text) == ["k8s.io/api/core/v1", "k8s.io/api/apps/v1"]
