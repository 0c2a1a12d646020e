"""All that a pod can learn of where it runs; run inside of it, prints one JSON object of texts."""

import json
import os
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FILES = (
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/proc/self/mountinfo",
    "/proc/1/environ",
)
COMMANDS = (["hostname"], ["hostname", "-f"], ["mount"])
found: dict[str, str] = {"env": json.dumps(dict(os.environ))}


def read(path: Path) -> None:
    """Note a file's content."""
    found[str(path)] = path.read_bytes().replace(b"\0", b"\n").decode(errors="replace")


def name_of(address: str) -> str:
    """Return what DNS calls an address."""
    try:
        return str(socket.gethostbyaddr(address))
    except OSError as error:
        return str(error)


def ask(path: str) -> Any:
    """Ask the API server, and note the answer."""
    request = urllib.request.Request(f"https://kubernetes.default.svc{path}")
    request.add_header("Authorization", "Bearer " + (ACCOUNT / "token").read_text())
    tls = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    try:
        with urllib.request.urlopen(request, context=tls, timeout=10) as answer:  # noqa: S310
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
    found["GET " + path] = text
    return json.loads(text)


for name in FILES:
    read(Path(name))
for directory in (ACCOUNT, Path("/volumes")):
    for each in directory.rglob("*"):
        if each.is_file():
            read(each)
for command in COMMANDS:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found[" ".join(command)] = done.stdout + done.stderr
for variable in ("POD_IP", "KUBERNETES_SERVICE_HOST", "DNS_IP"):
    found["who is " + variable] = name_of(os.environ[variable])
ask("/version")
ask("/.well-known/openid-configuration")
groups = [group["preferredVersion"]["groupVersion"] for group in ask("/apis")["groups"]]
for root in ("/api/v1", *("/apis/" + each for each in groups)):
    for kind in ask(root).get("resources") or ():
        if "list" in kind["verbs"] and kind["kind"] != "Namespace":
            space = f"/namespaces/{os.environ['POD_NAMESPACE']}" if kind["namespaced"] else ""
            ask(f"{root}{space}/{kind['name']}")
print(json.dumps(found))
