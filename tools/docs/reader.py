"""What a reader has before the first command: a home, a kubeconfig, a clone, programs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.docs.blocks import ROOT

_OWN = ("KUBE", "HELM", "VIRTUALCLUSTER", "XDG", "TMUX")
"""What a developer may have set for themselves."""


def prepare(directory: Path, kubeconfig: Path, create: Sequence[str] = ()) -> dict[str, str]:
    """Furnish a directory; return the environment to be in it. `create` is added to each create."""
    programs = directory / "bin"
    programs.mkdir(parents=True)
    for part in ("charts", "scripts"):
        (directory / part).symlink_to(ROOT / part)
    own = directory / "kubeconfig"
    own.touch(mode=0o600)
    own.write_bytes(kubeconfig.read_bytes())
    program = programs / "virtualcluster"
    call = f"exec {shlex.quote(sys.executable)} -m virtualcluster_cli"
    more = shlex.join(create)
    program.write_text(f'#!/bin/sh\n[ "$1" != create ] || set -- "$@" {more}\n{call} "$@"\n')
    program.chmod(0o755)
    (programs / "kubectl-virtualcluster").symlink_to(program)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
    return {
        **inherited,
        "HOME": str(directory),
        "KUBECONFIG": str(own),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
