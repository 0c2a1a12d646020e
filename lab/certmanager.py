"""cert-manager in a host cluster: its three programs, and the manifests of its own chart."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from lab import images, versions
from lab.assets import Assets
from lab.buildah import Recipe
from lab.cache import Cache
from lab.gobuild import MODULES, Program
from lab.run import output

MODULE = "github.com/cert-manager/cert-manager"
COMMANDS = ("cainjector", "controller", "webhook")
PROGRAM = Program(
    name="cert-manager",
    version=versions.CERT_MANAGER,
    directory=MODULES / "cert-manager",
    packages=tuple(f"{MODULE}/cmd/{command}" for command in COMMANDS),
    ldflags=f"-s -w -X {MODULE}/pkg/util.AppVersion={versions.CERT_MANAGER}",
)


def recipes(cache: Cache) -> list[Recipe]:
    """Return the images of its programs."""
    return [images.static(cache, _tag(command), PROGRAM, command) for command in COMMANDS]


def render(assets: Assets) -> str:
    """Return the manifests of the chart in the module, made a chart as its release does it."""
    deploy = PROGRAM.module_source(MODULE) / "deploy"
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(scratch) / "chart"
        shutil.copytree(deploy / "charts" / "cert-manager", chart, copy_function=shutil.copyfile)
        for directory in (chart, chart / "templates"):
            directory.chmod(0o755)  # the module cache's are read-only
        for crd in (deploy / "crds").glob("*.yaml"):
            shutil.copyfile(crd, chart / "templates" / crd.name)
        about = (chart / "Chart.template.yaml").read_text()
        (chart / "Chart.yaml").write_text(about.replace("v0.1.0", versions.CERT_MANAGER))
        values = Path(scratch) / "values.json"
        values.write_text(json.dumps(_values()))
        helm = assets.tools(tests=False) / "helm"
        host = ("--kube-version", versions.kubernetes(assets.minor).version)
        space = ("--namespace", "cert-manager", "--no-hooks")
        text = output([helm, "template", "cert-manager", chart, *space, *host, "--values", values])
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cert-manager"}}
    return f"{json.dumps(namespace)}\n---\n{text}"


def _tag(command: str) -> str:
    return f"cert-manager-{command}:{versions.CERT_MANAGER}"


def _values() -> dict[str, object]:
    def image(command: str) -> dict[str, object]:
        repository, _, tag = _tag(command).partition(":")
        return {"image": {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}}

    return {
        **image("controller"),
        "cainjector": image("cainjector"),
        "webhook": image("webhook"),
        "prometheus": {"enabled": False},
        "startupapicheck": {"enabled": False},
    }
