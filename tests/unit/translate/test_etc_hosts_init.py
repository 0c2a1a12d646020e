"""The /etc/hosts that the init container writes, from the one that the kubelet wrote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncer.translate.etc_hosts_init import addresses, content

REPO = Path(__file__).parents[3]
HEAD = (
    "# Kubernetes-managed hosts file.\n"
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)
KUBELETS = f"{HEAD}10.42.0.5\tdb-0\n"


@pytest.mark.parametrize(
    ("kubelets", "found"),
    [
        (KUBELETS, ["10.42.0.5"]),
        (f"{KUBELETS}fd00::5\tdb-0\n", ["10.42.0.5", "fd00::5"]),
        (f"{KUBELETS}\n# Entries added by HostAliases.\n1.2.3.4\tdb-0\n", ["10.42.0.5"]),
        (f"{HEAD}10.42.0.5\tdb-0.ns\tdb-0\n10.42.0.6\tdb-01\n\n", ["10.42.0.5"]),
        ("127.0.0.1\tlocalhost db-0\n", []),
        ("", []),
    ],
)
def test_the_pods_addresses_are_those_of_its_own_name(kubelets: str, found: list[str]) -> None:
    assert addresses(kubelets, "db-0") == found


def test_the_full_name_comes_first_and_aliases_last() -> None:
    names = "db-0.db.shop.svc.cluster.local db-0"
    own = f"{HEAD}10.42.0.5\tdb-0.db.shop.svc.cluster.local\tdb-0\n"
    assert content(KUBELETS, names, "") == own
    added = "\n# Entries added by HostAliases.\n1.2.3.4\tother\n"
    assert content(KUBELETS, names, "1.2.3.4\tother") == own + added


def test_everybody_may_read_it(tmp_path: Path) -> None:
    target = tmp_path / "hosts"
    command = [sys.executable, "-S", "-m", "syncer.translate.etc_hosts_init", str(target)]
    subprocess.run(command, env={"HOST_NAMES": "full short"}, cwd=REPO, check=True)
    assert target.read_text().startswith(HEAD)
    assert target.stat().st_mode & 0o777 == 0o644
