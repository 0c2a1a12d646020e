"""What a server has written: files and modes, certificates, tokens, the kubeconfig."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from tests.contract import certificates
from tests.contract.arguments import KUBECONFIG
from tests.contract.server import Process

USUAL = "/etc/rancher/k3s/k3s.yaml"
_LEFT_OUT = re.compile(r"server/static/.+|server/db/.*-(shm|wal)$")
"""What is k3s' own business: charts that nothing installs here; what sqlite has open."""
_TOKEN = re.compile(r"K10[0-9a-f]{64}::server:\S+")


def seen(data: Path, server: Process) -> dict[str, Any]:
    """Return what a server has written below its data directory and beside it."""
    found = {each.relative_to(data).as_posix(): each for each in sorted(data.rglob("*"))}
    tls = {name: path for name, path in found.items() if path.suffix == ".crt"}
    chains = {name: certificates.in_file(path) for name, path in tls.items()}
    return {
        "files": {n: mode(p) for n, p in found.items() if not _LEFT_OUT.fullmatch(n)},
        "certificates": chains,
        "keys": {name: _first_line(p) for name, p in found.items() if p.suffix == ".key"},
        "kubeconfig": kubeconfig(server.path(KUBECONFIG)),
        "link": _link(server.path(USUAL)),
        "kubeconfigs": sorted(_servers(found)),
        "node password": mode(server.path("/etc/rancher/node/password")),
        "token": hashlib.sha256((data / "server/token").read_bytes()).hexdigest(),
        "token form": bool(_TOKEN.fullmatch((data / "server/token").read_text().strip())),
        "passwd": _users(data / "server/cred/passwd"),
        "authorities": _digests(tls, "-ca.crt"),
        "leaves": _digests(tls, ".crt"),
    }


def mode(path: Path) -> str:
    """Return e.g. `0600`, `dir 0700`, `-> token`, or nothing for what is not there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ""
    if stat.S_ISLNK(status.st_mode):
        return f"-> {path.readlink()}"
    kind = "dir " if stat.S_ISDIR(status.st_mode) else "socket " * stat.S_ISSOCK(status.st_mode)
    return f"{kind}{stat.S_IMODE(status.st_mode):04o}"


def kubeconfig(path: Path) -> dict[str, Any]:
    """Return what a client needs to know of the kubeconfig."""
    content = yaml.safe_load(path.read_text())
    user = content["users"][0]["user"]
    named = [content[part][0]["name"] for part in ("clusters", "contexts", "users")]
    return {
        "mode": mode(path),
        "server": content["clusters"][0]["cluster"]["server"],
        "names": named,
        "user": user.get("username", ""),
        "credentials": sorted(user),
    }


def _digests(tls: dict[str, Path], ending: str) -> dict[str, str]:
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in tls.items()
        if name.endswith(ending)
    }


def _first_line(path: Path) -> str:
    return path.read_text().partition("\n")[0].strip("-")


def _link(path: Path) -> str:
    return str(path.readlink()) if path.is_symlink() else ""


def _users(path: Path) -> list[str]:
    """Return the users of a password file, without their passwords."""
    return sorted(",".join(line.split(",")[1:]) for line in path.read_text().splitlines())


def _servers(found: dict[str, Path]) -> set[str]:
    """Return where the components' kubeconfigs lead, and whether they name files by full paths."""
    said = set()
    for name, path in found.items():
        if path.suffix == ".kubeconfig" and "cred" in path.parts:
            content = yaml.safe_load(path.read_text())
            user, cluster = content["users"][0]["user"], content["clusters"][0]["cluster"]
            files = (
                user["client-certificate"],
                user["client-key"],
                cluster["certificate-authority"],
            )
            full = all(each.startswith("/data/server/tls/") for each in files)
            said.add(f"{cluster['server']} {'by full paths' if full else f'{name}: {files}'}")
    return said
