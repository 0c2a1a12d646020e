"""The downward API: what a pod asks about itself is answered with virtual facts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from syncer.errors import Refused
from syncer.identity import PREFIX
from syncer.kube.objects import Obj, containers_of

_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
# These the host knows best, and they are the same in the virtual cluster.
_HOST_FIELDS = {"spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}
# Those of Go's strconv.Quote; other control characters become numbers.
_ESCAPES = {c: f"\\{name}" for c, name in zip('"\\\a\b\f\n\r\t\v', '"\\abfnrtv', strict=True)}


def value(virt_pod: Obj, path: str) -> str | None:
    """Return what a fieldRef says in the virtual cluster; None where the host answers.

    Raises Refused for a path that Kubernetes does not know either.
    """
    if path in _HOST_FIELDS:
        return None
    meta = virt_pod["metadata"]
    match = _KEYED.fullmatch(path)
    if match:
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(meta[path.removeprefix("metadata.")])
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(meta.get(path.removeprefix("metadata.")) or {})
    if path == "spec.serviceAccountName":
        return str(virt_pod["spec"].get("serviceAccountName", "default"))
    raise Refused("FieldRefused", f"fieldRef {path} is not known to this syncer")


def format_map(entries: dict[str, str]) -> str:
    """Return labels or annotations as the kubelet writes them into a file.

    One `key="value"` a line, sorted, quoted as Go's %q does (k8s.io/kubernetes/pkg/fieldpath).
    """
    return "\n".join(f'{key}="{_quote(entries[key])}"' for key in sorted(entries))


def may_change(path: str) -> bool:
    """Tell whether a field's value may change while the pod runs: labels and annotations."""
    return path.startswith(("metadata.labels", "metadata.annotations"))


def reference(path: str) -> Obj:
    """Return the fieldRef that reads a field's virtual value from an annotation of our own.

    Not a literal: the kubelet reads it anew for each start of a container, and for a volume always.
    """
    field = f"metadata.annotations['{annotation_key(path)}']"
    return {"apiVersion": "v1", "fieldPath": field}


def annotation_key(path: str) -> str:
    """Return the annotation of the host pod that carries the field's virtual value."""
    return f"{PREFIX}field-{hashlib.sha256(path.encode()).hexdigest()[:16]}"


def volume_items(virt_pod: Obj, items: list[Obj] | None) -> list[Obj]:
    """Return a downwardAPI volume's items, reading virtual values from our own annotations."""
    result = []
    for item in items or ():
        ref = item.get("fieldRef")
        if ref and value(virt_pod, ref["fieldPath"]) is not None:
            item = {**item, "fieldRef": reference(ref["fieldPath"])}  # noqa: PLW2901
        result.append(item)
    return result


def carried(virt_pod: Obj) -> dict[str, str]:
    """Return the annotations that the pod's downwardAPI volumes and variables read."""
    volumes, variables = set(_in_volumes(virt_pod["spec"])), set(_in_variables(virt_pod["spec"]))
    result: dict[str, str] = {}
    for path in sorted(volumes | {each for each in variables if may_change(each)}):
        text = value(virt_pod, path)
        if text is not None:
            result[annotation_key(path)] = text
    return result


def _in_volumes(spec: Obj) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        for source in sources:
            for item in (source.get("downwardAPI") or {}).get("items") or ():
                if path := (item.get("fieldRef") or {}).get("fieldPath"):
                    yield path


def _in_variables(spec: Obj) -> Iterator[str]:
    for container in containers_of(spec):
        for variable in container.get("env") or ():
            ref = (variable.get("valueFrom") or {}).get("fieldRef") or {}
            if path := ref.get("fieldPath"):
                yield path


def _quote(text: str) -> str:
    return "".join(_ESCAPES.get(char) or _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004
