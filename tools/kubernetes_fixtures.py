"""Takes from Kubernetes' own sources what the unit tests hold the syncer against.

    python -m tools.kubernetes_fixtures 1.34.4
    python -m tools.kubernetes_fixtures --fields 1.16.15 1.36.3 ...

writes tests/unit/data/fields-1.34.json (the field names of the types that reach the host, of all
types that these hold, and which in a Pod name a network host) and
tests/unit/data/pod-security-1.34.json (the pods that upstream's Pod Security tests let pass and
refuse; not with --fields). Needs the Go modules k8s.io/kubernetes and
k8s.io/pod-security-admission of that version in the module cache (`go mod download`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parents[1] / "tests" / "unit" / "data"
CORE, NETWORKING = "io.k8s.api.core.v1.", "io.k8s.api.networking."
TYPES = [
    *(
        (CORE + name,)
        for name in (
            "Affinity",
            "Container",
            "EnvFromSource",
            "EnvVarSource",
            "EphemeralContainer",
            "PersistentVolumeClaimSpec",
            "PodAffinityTerm",
            "PodSpec",
            "PodStatus",
            "ServiceSpec",
            "Volume",
            "VolumeProjection",
        )
    ),
    *(
        (f"{NETWORKING}v1.{name}", f"{NETWORKING}v1beta1.{name}")
        for name in ("IngressBackend", "IngressSpec")
    ),
    (
        "io.k8s.api.policy.v1.PodDisruptionBudgetSpec",
        "io.k8s.api.policy.v1beta1.PodDisruptionBudgetSpec",
    ),
]
"""Each with the name that it had before."""


def fields(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the names: fields by type, and the types in a Pod that have a field `host`.

    `nested` are the types that these hold, at any depth: type → field → the type of its value,
    empty for what has no fields of its own.
    """
    hosts = {
        name.rpartition(".")[2]
        for name in _reachable(definitions, CORE + "PodSpec")
        if "host" in definitions[name].get("properties", {})
    }
    tops = [next(name for name in names if name in definitions) for names in TYPES]
    types = {
        name.rpartition(".")[2]: sorted(definitions[name]["properties"]) for name in sorted(tops)
    }
    held = {name for top in tops for name in _reachable(definitions, top) if "PodStatus" not in top}
    nested = {
        name.rpartition(".")[2]: {
            field: next(_refs(schema), "").rpartition(".")[2]
            if "properties" in definitions.get(next(_refs(schema), ""), {})
            else ""
            for field, schema in sorted(definitions[name]["properties"].items())
        }
        for name in sorted(held)
        if "properties" in definitions[name]
    }
    return {"types": types, "nested": nested, "name_a_host": sorted(hosts)}


def pods(testdata: Path, version: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return pod specs by level, verdict and name; their images are of no interest."""
    return {
        level: {
            verdict: {
                file.stem: _without_images(yaml.safe_load(file.read_text())["spec"])
                for file in sorted((testdata / level / f"v{version}" / verdict).iterdir())
            }
            for verdict in ("pass", "fail")
        }
        for level in ("baseline", "restricted")
    }


def main(version: str, *, only_fields: bool = False) -> None:
    """Write both files."""
    minor = version.rpartition(".")[0]
    api = _module(f"k8s.io/kubernetes@v{version}") / "api" / "openapi-spec" / "swagger.json"
    definitions = json.loads(api.read_text())["definitions"]
    _write(f"fields-{minor}.json", fields(definitions))
    if only_fields:
        return
    admission = _module(f"k8s.io/pod-security-admission@v0.{version.partition('.')[2]}")
    _write(f"pod-security-{minor}.json", pods(admission / "test" / "testdata", minor))


def _reachable(definitions: dict[str, Any], name: str) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        for ref in _refs(definitions[waiting.pop()]):
            if ref not in found:
                found.add(ref)
                waiting.append(ref)
    return found


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _refs(value)


def _without_images(spec: dict[str, Any]) -> dict[str, Any]:
    for field in ("containers", "initContainers"):
        for container in spec.get(field, ()):
            del container["image"]
    return {key: _without_images_of_volumes(key, value) for key, value in spec.items()}


def _without_images_of_volumes(key: str, value: Any) -> Any:
    if key != "volumes":
        return value
    return [{k: {} if k != "name" else v for k, v in volume.items()} for volume in value]


def _module(path: str) -> Path:
    command = ["go", "mod", "download", "-json", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(json.loads(answer.stdout)["Dir"])


def _write(name: str, content: Any) -> None:
    DATA.mkdir(exist_ok=True)
    (DATA / name).write_text(json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        if not each.startswith("-"):
            main(each, only_fields="--fields" in sys.argv)
