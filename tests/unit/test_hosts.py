"""The /etc/hosts of pods with a subdomain, byte for byte as a kubelet writes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncer.hosts import content

REPO = Path(__file__).parents[2]
HEAD = (
    "# Kubernetes-managed hosts file.\n"
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)


@pytest.mark.parametrize(
    ("addresses", "names", "aliases", "rest"),
    [
        ("10.1.2.3", "a.b.c.svc.x a", "", "10.1.2.3\ta.b.c.svc.x\ta\n"),
        ("10.1.2.3,fd00::3", "f s", "", "10.1.2.3\tf\ts\nfd00::3\tf\ts\n"),
        (
            "10.1.2.3",
            "f s",
            "1.2.3.4\tdb\tdb2\n1.2.3.5\tq",
            "10.1.2.3\tf\ts\n\n# Entries added by HostAliases.\n1.2.3.4\tdb\tdb2\n1.2.3.5\tq\n",
        ),
    ],
)
def test_content(addresses: str, names: str, aliases: str, rest: str) -> None:
    assert content(addresses, names, aliases) == HEAD + rest


def test_everybody_may_read_it(tmp_path: Path) -> None:
    target = tmp_path / "hosts"
    command = [sys.executable, "-S", "-m", "syncer.hosts", str(target)]
    env = {"POD_IPS": "10.0.0.1", "HOST_NAMES": "full short"}
    subprocess.run(command, env=env, cwd=REPO, check=True)
    assert target.read_text() == HEAD + "10.0.0.1\tfull\tshort\n"
    assert target.stat().st_mode & 0o777 == 0o644
