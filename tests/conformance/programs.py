"""The suite and what it needs, built from the modules that lab/go/e2e-1.34 pins.

Only conformance asks for them, so that bringing a lab up stays as quick as it is.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from lab import gobuild, gocache
from lab.cache import Cache, digest
from lab.progress import Task
from lab.run import output, run
from lab.versions import DEFAULT_KUBERNETES

SUITE = "k8s.io/kubernetes/test/e2e"
_KUBERNETES = gobuild.kubernetes(DEFAULT_KUBERNETES)
_MODULE = gobuild.MODULES / f"e2e-{DEFAULT_KUBERNETES}"

# What the images of the suite run, and ginkgo itself, in the version that the suite is made for.
TOOLS = gobuild.Program(
    name="conformance-tools",
    version=_KUBERNETES.version,
    directory=_MODULE,
    packages=(
        "github.com/onsi/ginkgo/v2/ginkgo",
        "go.etcd.io/etcd/server/v3",  # becomes `server`
        "k8s.io/kubernetes/test/images/nonewprivs",
        "k8s.io/sample-apiserver",
    ),
)
# Stamped with the version, as Kubernetes' own programs are: specs ask for it.
_SUITE = dataclasses.replace(_KUBERNETES, name="e2e.test", directory=_MODULE, packages=(SUITE,))


def tools(cache: Cache) -> Path:
    """Return the directory with ginkgo and the programs of images."""
    return gobuild.build(cache, TOOLS)


def suite_key() -> str:
    """Return the key of the suite itself."""
    return digest(_SUITE.key(), TOOLS.key())


def suite(cache: Cache) -> Path:
    """Return the suite's program, `e2e.test`."""

    def builder(target: Path, task: Task) -> None:
        task.note("compiling tests")
        args = ["go", "test", "-c", "-mod=readonly", "-trimpath", "-ldflags", _SUITE.ldflags]
        run([*args, "-o", f"{target}/", SUITE], cwd=_MODULE, env=_SUITE.environment())
        gocache.tidy(cache)

    what = f"building e2e.test {_SUITE.version}"
    return cache.entry("bin-e2e.test", _SUITE.key(), what, builder) / "e2e.test"


def sources() -> Path:
    """Return the directory of the module k8s.io/kubernetes, where the images' files are."""
    list_ = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    found = output(list_, cwd=_MODULE, env=_SUITE.environment())
    if not found:  # nothing of it was built yet, so nothing was fetched either
        run(["go", "mod", "download", "k8s.io/kubernetes"], cwd=_MODULE)
        found = output(list_, cwd=_MODULE, env=_SUITE.environment())
    return Path(found)
