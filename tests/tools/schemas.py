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

from tests.lab.cache import Cache, digest
from tests.lab.errors import LabError
from tests.lab.progress import Progress, Task
from tests.lab.run import output

# Any patch of a minor has the same schemas; these are some that can be had, with their checksums.
VERSIONS: Mapping[str, tuple[str, str]] = {
    "1.16": ("v1.16.13", "h1:qyxHPSCxOSSC5s3TtS7dicinqmJOLzipN3Uyp2hBIZ0="),
    "1.17": ("v1.17.17", "h1:4JbBX+ak70Fh7jYmU7yLQ9bpfPtlD1E43mUxKcWBtqo="),
    "1.18": ("v1.18.6", "h1:2rkR3ffvd5YVyPYU4LAUDCKoKQZtjuuj8ga15mbv96o="),
    "1.30": ("v1.30.14", "h1:MrlKXh9uhLIJpyxOeXhcndzRVSvwiV9iJ8NgH8nqPsg="),
    "1.31": ("v1.31.14", "h1:UtjLfqvXLuSVDdJ4+NpQCIfFkKkLnAAVmxAEMsnkhjk="),
    "1.32": ("v1.32.13", "h1:5TGYdZ6YZqdp6h/Rp1vX/4TIoybMPdgv97LCZCtPuNQ="),
    "1.33": ("v1.33.9", "h1:g2DzjYhaiubzMxccj8o45C6plrJR3vKDyQP7sQg7uaw="),
    "1.34": ("v1.34.4", "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk="),
    "1.35": ("v1.35.4", "h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM="),
    "1.36": ("v1.36.1", "h1:Mt7NKigaZ2KmOmCLhX81lGlH9JU5wjXnYhXnxAun9XA="),
}
# How kubeconform names the file of a kind: deployment-apps-v1.json for a Deployment of apps/v1.
PATTERN = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
_EITHER = {"anyOf": [{"type": "string"}, {"type": "number"}]}
_DEFINITIONS = "definitions.json"


def directory(minor: str) -> Path:
    """Return the directory of a minor's schemas, made at most once."""
    version, checksum = VERSIONS[minor]

    def builder(target: Path, task: Task) -> None:
        task.note("fetching its module")
        document = json.loads(_swagger(version, checksum).read_bytes())
        for name, schema in schemas(document).items():
            (target / name).write_text(json.dumps(schema))

    key = digest(version, checksum, Path(__file__).read_text())
    what = f"making the schemas of Kubernetes {version}"
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


def _swagger(version: str, checksum: str) -> Path:
    fetched = json.loads(output(["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"]))
    if fetched["Sum"] != checksum:
        raise LabError(f"k8s.io/kubernetes {version} has the checksum {fetched['Sum']}")
    return Path(fetched["Dir"]) / "api" / "openapi-spec" / "swagger.json"
