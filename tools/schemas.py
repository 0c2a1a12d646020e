"""JSON schemas of a Kubernetes version, for kubeconform, from the OpenAPI document of its module.

Made here and not fetched, since a chart must be testable where the collection that kubeconform asks
by default is out of reach. By a converter of our own, since the one that there is for Python,
openapi2jsonschema, has had no release for years, while these are two rules: types are closed, and
quantities and ports may be strings or numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab import gobuild
from lab.cache import Cache, digest, file_digest
from lab.progress import Progress, Task

# How kubeconform names the file of a kind: deployment-apps-v1.json for a Deployment of apps/v1.
PATTERN = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
_EITHER = {"anyOf": [{"type": "string"}, {"type": "number"}]}
_DEFINITIONS = "definitions.json"
_HERE = Path(__file__)


def directory(minor: str) -> Path:
    """Return the directory of a minor's schemas, made at most once."""
    program = gobuild.kubernetes(minor)

    def builder(target: Path, task: Task) -> None:
        task.note("fetching its module")
        module = program.module_source("k8s.io/kubernetes")
        document = (module / "api" / "openapi-spec" / "swagger.json").read_bytes()
        for name, schema in schemas(json.loads(document)).items():
            (target / name).write_text(json.dumps(schema))

    key = digest(program.version, file_digest(program.directory / "go.sum"), file_digest(_HERE))
    what = f"making the schemas of Kubernetes {program.version}"
    return Cache(Progress()).entry(f"schemas-{minor}", key, what, builder)


def schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return file name → schema: one file of all types, and one for each kind that refers to it."""
    definitions = document["definitions"]
    files: dict[str, Any] = {
        _DEFINITIONS: {"definitions": {name: _type(each) for name, each in definitions.items()}}
    }
    for name, definition in definitions.items():
        for group, version, kind in _kinds(definition):
            suffix = "-".join(filter(None, (group.partition(".")[0], version)))
            api_version = "/".join(filter(None, (group, version)))
            files[f"{kind.lower()}-{suffix.lower()}.json"] = {
                "allOf": [{"$ref": f"{_DEFINITIONS}#/definitions/{name}"}],
                "properties": {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}},
                "required": ["apiVersion", "kind"],
            }
    return files


def _type(schema: Any) -> Any:
    """Return a type as JSON Schema says it, closed: an API server drops what it does not know."""
    if isinstance(schema, list):
        return [_type(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or "pkg.api.resource.Quantity" in str(
        schema.get("$ref")
    ):
        return _EITHER
    made = {
        key: {name: _type(each) for name, each in value.items()}
        if key == "properties"
        else _type(value)
        for key, value in schema.items()
        if key not in ("description", "format", "default") and not key.startswith("x-kubernetes-")
    }
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def _kinds(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    kinds = definition.get("x-kubernetes-group-version-kind", ())
    if len(kinds) == 1:  # what every group has, such as DeleteOptions, is no manifest
        yield kinds[0]["group"], kinds[0]["version"], kinds[0]["kind"]
