"""The tools of people who maintain charts: helm's unittest plugin, chart-testing, kubeconform."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import gobuild
from lab.buildah import place
from lab.cache import Cache, digest, file_digest
from lab.progress import Task
from lab.run import run

PROGRAMS = {
    "helm-unittest": gobuild.HELM_UNITTEST,
    "ct": gobuild.CHART_TESTING,
    "kubeconform": gobuild.KUBECONFORM,
    "crane": gobuild.CRANE,
}
"""Name on PATH → what it is built from."""
_PLUGIN = gobuild.HELM_UNITTEST.directory / "plugin.yaml"
_RULES = ("chart_schema.yaml", "lintconf.yaml")


def environment(cache: Cache) -> dict[str, str]:
    """Return the variables with which helm finds its plugin and ct its rules."""
    return {"HELM_PLUGINS": str(_plugins(cache)), "CT_CONFIG_DIR": str(_rules(cache))}


def _plugins(cache: Cache) -> Path:
    """Return helm's directory of plugins, with unittest installed as helm itself does it."""
    binary = gobuild.build(cache, gobuild.HELM_UNITTEST) / "helm-unittest"
    helm = gobuild.build(cache, gobuild.HELM) / "helm"

    def collect(target: Path, _task: Task) -> None:
        place(binary, target / "helm-unittest")
        shutil.copy(_PLUGIN, target)

    def install(target: Path, task: Task) -> None:
        env = {"HELM_PLUGINS": str(target)}
        run([helm, "plugin", "install", plugin], env=env, on_line=task.note)

    key = digest(gobuild.HELM_UNITTEST.key(), file_digest(_PLUGIN))
    # helm links to where a local plugin is, so that is an entry of its own.
    plugin = cache.entry("helm-plugin-unittest", key, "collecting the plugin", collect)
    key = digest(str(plugin), gobuild.HELM.key())
    return cache.entry("helm-plugins", key, "installing helm's plugin", install)


def _rules(cache: Cache) -> Path:
    """Return what chart-testing lints by, which comes with its module."""

    def copy(target: Path, _task: Task) -> None:
        source = gobuild.CHART_TESTING.module_source("github.com/helm/chart-testing/v3") / "etc"
        for name in _RULES:
            shutil.copy(source / name, target)

    return cache.entry("ct-rules", gobuild.CHART_TESTING.key(), "collecting ct's rules", copy)
