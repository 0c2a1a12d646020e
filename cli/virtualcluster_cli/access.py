"""Which host cluster is meant: the caller's kubeconfig, and nothing beyond it.

A context that `connect` made leads into a virtual cluster. Whoever is in there and asks about
virtual clusters means the host that it was entered from, which the context remembers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from virtualcluster_cli.errors import NoAnswer, NotFound, Trouble

EXTENSION = "virtualcluster.dev/connection"
DEFAULT = Path("~/.kube/config")


class Access(NamedTuple):
    """A context of the caller's kubeconfig, and how to name it to other programs."""

    kubeconfig: str
    """Of KUBECONFIG's form: paths with colons between them; empty inside of a pod."""
    context: str
    namespace: str
    inside: dict[str, str] | None
    """The virtual cluster that the caller is in: `name`, `namespace`."""

    def flags(self, program: str) -> list[str]:
        """Return the flags by which helm or kubectl mean the same."""
        if not self.context:
            return []
        name = "--kube-context" if program == "helm" else "--context"
        return [f"{name}={self.context}"]

    def environment(self) -> dict[str, str]:
        """Return the environment in which other programs mean the same."""
        return {**os.environ, **({"KUBECONFIG": self.kubeconfig} if self.kubeconfig else {})}


def paths(kubeconfig: str) -> list[Path]:
    """Return the files of a kubeconfig, given or of the environment."""
    text = kubeconfig or os.environ.get("KUBECONFIG", "") or str(DEFAULT)
    return [Path(each).expanduser().absolute() for each in text.split(os.pathsep) if each]


def find(kubeconfig: str = "", context: str = "") -> Access:
    """Return the host that is meant; raise Trouble when there is none."""
    files = paths(kubeconfig)
    if not any(each.exists() for each in files):
        if not kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
            return Access("", "", _namespace_of_pod(), None)
        named = os.pathsep.join(map(str, files))
        raise NoAnswer(
            f"no kubeconfig at {named}",
            "set KUBECONFIG, or pass --kubeconfig",
        )
    contexts, current = _read(files)
    joined = os.pathsep.join(map(str, files))
    wanted = context or current
    if not wanted:
        raise NoAnswer(
            f"{joined} has no current context",
            f"pass --context, one of {_names(contexts)}",
        )
    if wanted not in contexts:
        raise NotFound(
            f"{joined} has no context {wanted!r}", f"there are {_names(contexts)}: use --context"
        )
    inside = connection_of(contexts[wanted])
    if inside is not None:
        host = inside.get("hostContext", "")
        if host not in contexts:
            raise NotFound(
                f"context {wanted!r} was made by connect, from a context {host!r} that does not"
                " exist any more",
                "pass --context with a context of the host cluster",
            )
        return Access(joined, host, contexts[host].get("namespace") or "default", inside)
    return Access(joined, wanted, contexts[wanted].get("namespace") or "default", None)


def connection_of(context: dict[str, Any]) -> dict[str, str] | None:
    """Return what `connect` wrote into a context, if it made it."""
    for each in context.get("extensions") or ():
        if each.get("name") == EXTENSION:
            return dict(each["extension"])
    return None


def load(file: Path) -> dict[str, Any]:
    """Return one kubeconfig file as it is; an empty one where there is none."""
    try:
        content = yaml.safe_load(file.read_text()) if file.exists() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise Trouble(
            f"{file} is not valid YAML{line}", "correct it, or use another file"
        ) from None
    except OSError as error:
        raise Trouble(
            f"{file} cannot be read ({error.strerror})", "correct that, or use another file"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise Trouble(f"{file} is not a kubeconfig", "use another file")
    return content


def _read(files: list[Path]) -> tuple[dict[str, dict[str, Any]], str]:
    contexts: dict[str, dict[str, Any]] = {}
    current = ""
    for file in files:
        content = load(file)
        current = current or content.get("current-context") or ""
        for each in content.get("contexts") or ():
            contexts.setdefault(each["name"], each.get("context") or {})
    return contexts, current


def _names(contexts: dict[str, Any]) -> str:
    return ", ".join(sorted(contexts)) or "none"


def _namespace_of_pod() -> str:
    file = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return file.read_text().strip() if file.exists() else "default"
