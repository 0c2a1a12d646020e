"""Builds programs from Go modules whose versions and checksums the repository pins."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab import gocache, openapi, overlays, versions
from lab.cache import Cache, digest, file_digest, tree_digest
from lab.errors import LabError
from lab.paths import LAB_SOURCE
from lab.progress import Task
from lab.run import output, run

MODULES = LAB_SOURCE / "go"
_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
_ENDPOINT_SLICES_V1 = (1, 21)
GOFLAGS = "-buildvcs=false -gcflags=all=-dwarf=false"
"""Nobody debugs these programs: a tenth less work with GOGC, a fifth less disk (as for Helm)."""


@dataclass(frozen=True)
class Program:
    """Programs that one `go build` makes from one module directory."""

    name: str
    version: str
    directory: Path
    packages: tuple[str, ...]
    ldflags: str = "-s -w"
    cgo: bool = False
    tags: str = ""
    toolchain: str | None = None
    sources: tuple[str, ...] = ()
    """Patterns of our own source files in the directory, if it has any but the pins."""
    replaces: tuple[tuple[str, str], ...] = ()
    """Files of the module → files of ours in the directory that are compiled in their place."""

    generates: openapi.Generates | None = None
    """What the module lacks, and how it is made before the build."""
    edits: tuple[overlays.Edit, ...] = ()
    """What of that module is compiled otherwise."""

    def key(self) -> str:
        """Return the key of everything that decides what comes out."""
        pins = [file_digest(self.directory / f) for f in ("go.mod", "go.sum")]
        own = tree_digest(self.directory, *self.sources) if self.sources else {}
        flags = (self.packages, self.ldflags, self.cgo, self.tags, self.toolchain)
        return digest(self.version, pins, own, flags, go_version(), *self.replaces, *self.edits)

    def environment(self) -> dict[str, str]:
        """Return the variables of the build; everything else is a flag."""
        env = {"CGO_ENABLED": "1" if self.cgo else "0", "GOFLAGS": GOFLAGS, "GOGC": "400"}
        if self.toolchain:
            env["GOTOOLCHAIN"] = self.toolchain
        return env

    def module_source(self, module: str) -> Path:
        """Return where the source of a module that the program requires is, fetching it if needed.

        `go list -m` would print nothing for one that is not in Go's module cache yet.
        """
        fetch = ["go", "mod", "download", "-json", module]
        return Path(json.loads(output(fetch, cwd=self.directory, env=self.environment()))["Dir"])

    def patched(self, scratch: Path) -> list[str]:
        """Return the arguments that build a copy of the module with our files in it.

        Go refuses to overlay files of its module cache, so the module becomes a local one.
        """
        if not self.replaces:
            return []
        module, copy = self.packages[0], scratch / "module"
        run(["cp", "--recursive", "--no-preserve=mode", self.module_source(module), copy])
        for theirs, ours in self.replaces:
            shutil.copy(self.directory / ours, copy / theirs)
        pins = (self.directory / "go.mod").read_text()
        (scratch / "go.mod").write_text(f"{pins}\nreplace {module} => {copy}\n")
        shutil.copy(self.directory / "go.sum", scratch)
        return ["-modfile", str(scratch / "go.mod")]


@functools.cache
def go_version() -> str:
    """Return e.g. `go1.26.8`, or say what to install."""
    try:
        return output(["go", "env", "GOVERSION"])
    except FileNotFoundError:
        raise LabError(
            "no `go` on PATH: install Go 1.26 or newer (Debian 12's is too old)"
        ) from None


def kubernetes(minor: str) -> Program:
    """Return the programs of a Kubernetes version; agnhost lives in the same module."""
    row = versions.kubernetes(minor)
    major, small = row.minor.split(".")
    stamps = {"gitVersion": row.version, "gitMajor": major, "gitMinor": small}
    flags = [f"-X {package}.{k}={v}" for package in row.stamped for k, v in stamps.items()]
    return Program(
        name=f"kubernetes-{row.minor}",
        version=row.version,
        directory=MODULES / row.module,
        packages=(
            *(f"k8s.io/kubernetes/cmd/{c}" for c in _COMMANDS),
            *(("k8s.io/kubernetes/test/images/agnhost",) if row.agnhost else ()),
        ),
        ldflags=" ".join(("-s -w", *flags)),
        toolchain=row.toolchain,
        generates=openapi.GENERATES if row.openapi else None,
        sources=openapi.SOURCES if row.openapi else (),
        edits=row.edits,
    )


KINE = Program(
    name="kine",
    version=versions.KINE,
    directory=MODULES / "kine",
    packages=("github.com/k3s-io/kine",),
    ldflags="-s -w -linkmode external -extldflags -static"
    f" -X github.com/k3s-io/kine/pkg/version.Version={versions.KINE}",
    cgo=True,  # its sqlite is the C one, as in k3s
    tags="osusergo,netgo,sqlite_omit_load_extension",  # a static binary cannot load libraries
    replaces=(("pkg/endpoint/init.go", "drivers.go"),),
    sources=("drivers.go",),
)
HELM = Program(
    name="helm",
    version=versions.HELM,
    directory=MODULES / "helm",
    packages=("helm.sh/helm/v3/cmd/helm",),
    ldflags=f"-s -w -X helm.sh/helm/v3/internal/version.version={versions.HELM}",
)
COREDNS = Program(
    name="coredns",
    version=versions.COREDNS,
    directory=MODULES / "coredns",
    packages=("./cmd/coredns",),
    sources=("cmd/**/*.go",),
)
COREDNS_1_6 = Program(
    name="coredns-1.6",
    version=versions.COREDNS_1_6,
    directory=MODULES / "coredns-1.6",
    packages=("./cmd/coredns",),
    sources=("cmd/**/*.go",),
)
LOCAL_PATH = Program(
    name="local-path-provisioner",
    version=versions.LOCAL_PATH,
    directory=MODULES / "local-path-provisioner",
    packages=("github.com/rancher/local-path-provisioner",),
    ldflags=f"-s -w -X main.VERSION={versions.LOCAL_PATH}",
)
HELM_UNITTEST = Program(
    name="helm-unittest",
    version=versions.HELM_UNITTEST,
    directory=MODULES / "helm-unittest",
    packages=("github.com/helm-unittest/helm-unittest/cmd/helm-unittest",),
)
CHART_TESTING = Program(
    name="chart-testing",
    version=versions.CHART_TESTING,
    directory=MODULES / "chart-testing",
    packages=("github.com/helm/chart-testing/v3/ct",),
    ldflags=f"-s -w -X github.com/helm/chart-testing/v3/ct/cmd.Version={versions.CHART_TESTING}",
)
KUBECONFORM = Program(
    name="kubeconform",
    version=versions.KUBECONFORM,
    directory=MODULES / "kubeconform",
    packages=("github.com/yannh/kubeconform/cmd/kubeconform",),
    ldflags=f"-s -w -X main.version={versions.KUBECONFORM}",
)
CRANE = Program(  # its `registry serve` is the registry that the chart is pushed to
    name="crane",
    version=versions.CRANE,
    directory=MODULES / "crane",
    packages=("github.com/google/go-containerregistry/cmd/crane",),
)
ACTIONLINT = Program(
    name="actionlint",
    version=versions.ACTIONLINT,
    directory=MODULES / "actionlint",
    packages=("github.com/rhysd/actionlint/cmd/actionlint",),
    ldflags=f"-s -w -X github.com/rhysd/actionlint.version={versions.ACTIONLINT}",
)
KIND = Program(  # on no PATH: scripts/up takes the one that is installed
    name="kind",
    version=versions.KIND,
    directory=MODULES / "kind",
    packages=("sigs.k8s.io/kind",),
)
K3S_FRONT = Program(
    name="k3s-stand-in",
    version="0",
    directory=LAB_SOURCE / "k3s",
    packages=(".",),
    sources=("**/*",),
)


def coredns(minor: str) -> Program:
    """Return the CoreDNS for clusters of a minor: newer ones know no API but EndpointSlices v1."""
    major, small = (int(each) for each in minor.split("."))
    return COREDNS_1_6 if (major, small) < _ENDPOINT_SLICES_V1 else COREDNS


def build(cache: Cache, program: Program) -> Path:
    """Return the directory with the programs, building them at most once."""

    def builder(target: Path, task: Task) -> None:
        compiled = 0

        def on_line(line: str) -> None:
            nonlocal compiled
            if line.startswith("go: downloading"):
                task.note(line.removeprefix("go: "))
            elif line and " " not in line:  # -v names each package as it is done
                compiled += 1
                task.note(f"{compiled} packages compiled, now {line}")

        args = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-ldflags", program.ldflags]
        if program.tags:
            args += ["-tags", program.tags]
        # A directory and no trailing name: every package becomes a file called like it.
        with tempfile.TemporaryDirectory() as scratch:
            args += program.patched(Path(scratch))
            env = program.environment()
            if overlay := _overlay(cache, program, Path(scratch)):
                args += overlay
                env = {**env, **overlays.ENVIRONMENT}
            args += ["-o", f"{target}/", *program.packages]
            run(args, cwd=program.directory, env=env, on_line=on_line)
        gocache.tidy(cache)

    what = f"building {program.name} {program.version} ({len(program.packages)} programs)"
    return cache.entry(f"bin-{program.name}", program.key(), what, builder)


def _overlay(cache: Cache, program: Program, scratch: Path) -> list[str]:
    """Return the arguments that build a program with what its first module lacks or has wrong."""
    if program.generates is None:
        return []
    source = program.module_source(program.generates.module)
    files = program.generates.made(cache, program.directory, program.environment())
    return overlays.arguments(
        source, {**files, **overlays.edited(source, program.edits, scratch)}, scratch
    )


def download(cache: Cache, program: Program) -> None:
    """Fetch the modules that a program needs, so that its build later waits for no network."""
    what = f"fetching modules of {program.name}"
    with cache.progress.task(what, quiet=True), tempfile.TemporaryDirectory() as scratch:
        args = ["go", "list", "-mod=readonly", "-deps", *program.patched(Path(scratch))]
        tools = () if program.generates is None else (program.generates.generator,)
        run([*args, *program.packages, *tools], cwd=program.directory, env=program.environment())
