"""runc for machines whose root lacks a capability: it is asked for nothing that it cannot do.

Docker Engine is told that this is its runtime. It rewrites what the Engine wrote for runc and
becomes runc: capabilities that this machine's root lacks are taken out (runc would end with "unable
to apply caps"), and without CAP_SYS_RESOURCE no oom score is lowered. Where nothing is missing,
nothing is changed. It is copied beside the Engine's state and needs nothing but Python's library.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

# The names of capabilities by their numbers, linux/capability.h.
NAMES = (
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID"),
    *("CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE"),
    *("CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW"),
    *("CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT"),
    *("CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE"),
    *("CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE"),
    *("CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE"),
    *("CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ"),
    *("CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"),
)
_VALUED = {"--log", "--log-format", "--root", "--criu", "--rootless"}
"""runc's global options that take a value, as words of their own."""

Spec = dict[str, Any]


def missing(bounding: int) -> frozenset[str]:
    """Return the capabilities that are not in a bounding set, given as the kernel's mask."""
    return frozenset(name for bit, name in enumerate(NAMES) if not bounding >> bit & 1)


def process(spec: Spec, lacking: Collection[str]) -> Spec:
    """Return a process of the OCI runtime specification without what is lacking."""
    if not lacking:
        return spec
    changed = dict(spec)
    if spec.get("capabilities"):
        changed["capabilities"] = {
            kind: [name for name in names or () if name not in lacking]
            for kind, names in spec["capabilities"].items()
        }
    if "CAP_SYS_RESOURCE" in lacking and (spec.get("oomScoreAdj") or 0) < 0:
        changed["oomScoreAdj"] = 0
    return changed


def bundle(config: Spec, lacking: Collection[str]) -> Spec:
    """Return a bundle's config.json with its process changed like that."""
    if not config.get("process"):
        return config
    return {**config, "process": process(config["process"], lacking)}


def file_of(arguments: Sequence[str]) -> tuple[Path, bool] | None:
    """Return the file that a call of runc reads, and whether it is a bundle's; None: none."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in _VALUED else words[1:]
    if not words:
        return None
    command, options = words[0], words[1:]
    if command in ("create", "run", "restore"):
        return Path(_value(options, "--bundle", "-b") or ".") / "config.json", True
    if command == "exec" and (given := _value(options, "--process", "-p")):
        return Path(given), False
    return None


def _value(options: Sequence[str], *names: str) -> str | None:
    for position, word in enumerate(options):
        name, equals, value = word.partition("=")
        if name in names:
            if equals:
                return value
            return options[position + 1] if position + 1 < len(options) else None
    return None


def bounding_set(status: str) -> int:
    """Return the bounding set of a process from its /proc/PID/status."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    raise ValueError("no CapBnd: in /proc/self/status")


def main(arguments: Sequence[str]) -> None:
    """Rewrite the file of this call, if it has one, and become runc."""
    lacking = missing(bounding_set(Path("/proc/self/status").read_text()))
    found = file_of(arguments)
    if found is not None and lacking:
        path, is_bundle = found
        before = json.loads(path.read_text())
        after = bundle(before, lacking) if is_bundle else process(before, lacking)
        if after != before:
            half = path.with_name(f".{path.name}.half")
            half.write_text(json.dumps(after))
            half.chmod(path.stat().st_mode & 0o777)
            half.rename(path)
    os.execvp("runc", ["runc", *arguments])  # noqa: S606  found like the Engine finds it


if __name__ == "__main__":
    main(sys.argv[1:])
