"""The init container of pods with a subdomain: writes the /etc/hosts that a kubelet would write.

The host's kubelet knows such a pod by another name and no domain, so that `hostname -f` would say
the short name. Run as `python -m syncer.translate.etc_hosts_init`: each of these pods waits for
it, so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAMES, ALIASES = "HOST_NAMES", "HOST_ALIASES"
"""Environment: names with spaces between, the short one last; lines to add, as they are."""
ALIASES_HEAD = "# Entries added by HostAliases."
HEAD = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def addresses(kubelets: str, name: str) -> list[str]:
    """Return the pod's addresses, of which the kubelet's own file has a line each.

    The downward API tells them too, but `status.podIPs` not before Kubernetes 1.17.
    """
    lines = (line.split() for line in kubelets.partition(ALIASES_HEAD)[0].splitlines())
    return [line[0] for line in lines if name in line[1:] and "localhost" not in line[1:]]


def content(kubelets: str, names: str, aliases: str) -> str:
    """Return the file's text, in the form of k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go.

    The first name of a line is the canonical one, which `hostname -f` prints.
    """
    words = names.split()
    line = "\t".join(words)
    own = "".join(f"{ip}\t{line}\n" for ip in addresses(kubelets, words[-1]))
    added = f"\n{ALIASES_HEAD}\n{aliases}\n" if aliases else ""
    return HEAD + own + added


def main(target: Path) -> None:
    """Write the file; readable for all, since any user may ask for a name."""
    environment = os.environ
    kubelets = Path("/etc/hosts").read_text(encoding="utf-8")
    text = content(kubelets, environment[NAMES], environment.get(ALIASES, ""))
    target.write_text(text, encoding="utf-8")
    target.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
