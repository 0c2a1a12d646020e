"""Makes a file of Kubernetes that its old modules lack: the definitions of its OpenAPI document.

Before 1.23 that file was generated in every build and never kept in the source, so that the module
alone does not compile. The generator is upstream's, of the version that the module names.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.cache import Cache, digest, file_digest
from lab.progress import Task
from lab.run import run

_SUBJECTS = "openapi.go"
SOURCES = (_SUBJECTS,)
"""The file, beside go.mod, that imports every package whose types the document describes."""


@dataclass(frozen=True)
class Generates:
    """One generated file of one module."""

    module: str
    package: str
    file: str
    generator: str

    def made(self, cache: Cache, directory: Path, env: Mapping[str, str]) -> dict[str, Path]:
        """Return where in the module the file belongs, and the file, generating it at most once."""
        pins = [file_digest(directory / file) for file in ("go.mod", "go.sum", _SUBJECTS)]
        what = f"generating {self.package} of {directory.name}"

        def builder(target: Path, _task: Task) -> None:
            self._generate(directory, env, target)

        made = cache.entry(f"openapi-{directory.name}", digest(pins, env), what, builder)
        return {f"{self.package}/{self.file}": made / self.file}

    def _generate(self, directory: Path, env: Mapping[str, str], target: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            generator, header = scratch / "generator", scratch / "header"
            build: list[str | Path] = [
                "go",
                "build",
                "-mod=readonly",
                "-o",
                generator,
                self.generator,
            ]
            run(build, cwd=directory, env=env)
            header.touch()
            flags = {
                "--input-dirs": ",".join(subjects((directory / _SUBJECTS).read_text())),
                "--output-package": f"{self.module}/{self.package}",
                "--output-file-base": self.file.removesuffix(".go"),
                "--output-base": str(scratch / "generated"),
                "--go-header-file": str(header),
                "--report-filename": str(scratch / "violations"),
            }
            run([generator, *(f"{k}={v}" for k, v in flags.items())], cwd=directory, env=env)
            shutil.copy(scratch / "generated" / self.module / self.package / self.file, target)


GENERATES = Generates(
    module="k8s.io/kubernetes",
    package="pkg/generated/openapi",
    file="zz_generated.openapi.go",
    generator="k8s.io/kube-openapi/cmd/openapi-gen",
)


def subjects(source: str) -> list[str]:
    """Return the packages that a Go file imports for nothing but their types."""
    return re.findall(r'^\t_ "([^"]+)"$', source, re.MULTILINE)
