"""What the host says about its objects, in the words of the virtual cluster."""

from __future__ import annotations

import re
from typing import Any

from syncer.identity import SEPARATOR, Identity
from syncer.objects import Obj, uid_of

Words = list[tuple[re.Pattern[str], str]]


def replacements(host_obj: Obj, virt_obj: Obj, ident: Identity) -> Words:
    """Return what to replace in texts about an object: names, UIDs and the host namespace.

    The host namespace's name is replaced only where Kubernetes' messages put it, as it may be an
    ordinary word or a part of an image's name.
    """
    host_name, virt_name = host_obj["metadata"]["name"], virt_obj["metadata"]["name"]
    theirs, namespace = re.escape(ident.host_namespace), virt_obj["metadata"]["namespace"]
    suffix = re.escape(f"{SEPARATOR}{namespace}{SEPARATOR}{ident.release}")
    pairs = [
        (rf"(?<![\w./-]){theirs}/(?={re.escape(host_name)}|[-a-z0-9.]+{suffix})", f"{namespace}/"),
        (rf"_{theirs}\(", f"_{namespace}("),
        (rf'(?<=namespace )"{theirs}"|(?<= in )"{theirs}"|"{theirs}"(?=/")', f'"{namespace}"'),
        # A claim's volume has that name on both sides.
        (rf"(?<!pvc-){re.escape(uid_of(host_obj))}", uid_of(virt_obj)),
        (re.escape(host_name), virt_name),
        (suffix, ""),
    ]
    return [(re.compile(pattern), text) for pattern, text in pairs]


def reworded(value: Any, words: Words) -> Any:
    """Return a text, or a copy of a status with all its messages, in these words.

    Only messages: images and names of containers are the tenant's own.
    """
    if isinstance(value, str):
        for pattern, text in words:
            value = pattern.sub(text, value)
        return value
    if isinstance(value, list):
        return [reworded(each, words) if isinstance(each, dict) else each for each in value]
    return {
        key: reworded(each, words) if key == "message" or isinstance(each, dict | list) else each
        for key, each in value.items()
    }
