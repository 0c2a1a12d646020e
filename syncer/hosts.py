"""The init container of pods with a subdomain: writes the /etc/hosts that a kubelet would write.

The host's kubelet knows such a pod by another name and no domain, so that `hostname -f` would say
the short name (design §7). Run as `python -m syncer.hosts`: it is in the way of each of these pods,
so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ADDRESSES, NAMES, ALIASES = "POD_IPS", "HOST_NAMES", "HOST_ALIASES"
"""Environment: addresses with commas between; names with spaces; lines to add, as they are."""
HEAD = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def content(addresses: str, names: str, aliases: str) -> str:
    """Return the file's text, in the form of k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go.

    The first name of a line is the canonical one, which `hostname -f` prints.
    """
    line = "\t".join(names.split())
    own = "".join(f"{ip}\t{line}\n" for ip in addresses.split(",") if ip)
    added = f"\n# Entries added by HostAliases.\n{aliases}\n" if aliases else ""
    return HEAD + own + added


def main(target: Path) -> None:
    """Write the file; readable for all, since any user may ask for a name."""
    environment = os.environ
    text = content(environment[ADDRESSES], environment[NAMES], environment.get(ALIASES, ""))
    target.write_text(text, encoding="utf-8")
    target.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
