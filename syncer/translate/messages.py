"""What the host says about its objects, in the words of the virtual cluster."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from syncer.identity import SEPARATOR, Identity
from syncer.kube.objects import Obj, uid_of


class Words(NamedTuple):
    """What to replace in texts about one object."""

    host_namespace: str
    host_name: str
    host_uid: str
    suffix: str
    """What the names of a virtual namespace's host objects end with, unless they are hashed."""
    namespace: str
    name: str
    uid: str


def replacements(host_obj: Obj, virt_obj: Obj, ident: Identity) -> Words:
    """Return what to replace in texts about an object: names, UIDs and the host namespace.

    The host namespace's name is replaced only where Kubernetes' messages put it, as it may be an
    ordinary word or a part of an image's name.
    """
    meta = virt_obj["metadata"]
    return Words(
        ident.host_namespace,
        host_obj["metadata"]["name"],
        uid_of(host_obj),
        f"{SEPARATOR}{meta['namespace']}{SEPARATOR}{ident.release}",
        meta["namespace"],
        meta["name"],
        uid_of(virt_obj),
    )


def reworded(value: Any, words: Words) -> Any:
    """Return a text, or a copy of a status with all its messages, in these words.

    Only messages: images and names of containers are the tenant's own.
    """
    if isinstance(value, str):
        return _reworded(value, words)
    if isinstance(value, list):
        return [reworded(each, words) if isinstance(each, dict) else each for each in value]
    return {
        key: reworded(each, words) if key == "message" or isinstance(each, dict | list) else each
        for key, each in value.items()
    }


def _reworded(text: str, words: Words) -> str:
    # Nothing is compiled for one object: that would cost more than all else that is done with it.
    if words.host_namespace in text:
        before_slash, quoted = _patterns(words.host_namespace)
        text = before_slash.sub(lambda found: _in_namespace(found, words), text)
        text = text.replace(f"_{words.host_namespace}(", f"_{words.namespace}(")
        text = quoted.sub(f'"{words.namespace}"', text)
    if words.host_uid in text:
        # A claim's volume has that name on both sides.
        kept = text.replace(f"pvc-{words.host_uid}", "\0")
        text = kept.replace(words.host_uid, words.uid).replace("\0", f"pvc-{words.host_uid}")
    return text.replace(words.host_name, words.name).replace(words.suffix, "")


def _in_namespace(found: re.Match[str], words: Words) -> str:
    """Return the namespace and the slash, in virtual words if one of ours follows them."""
    name = found["name"]
    ours = name.startswith(words.host_name) or words.suffix in name[1:]
    return f"{words.namespace if ours else words.host_namespace}/{name}"


@functools.lru_cache(maxsize=1)
def _patterns(host_namespace: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    theirs = re.escape(host_namespace)
    return (
        re.compile(rf"(?<![\w./-]){theirs}/(?P<name>[-a-z0-9.]+)"),
        re.compile(rf'(?<=namespace )"{theirs}"|(?<= in )"{theirs}"|"{theirs}"(?=/")'),
    )
