"""The host's optional add-ons that some tests need: found, or the reason why a test is skipped.

VC_E2E_EXTRAS=a,b names those that must be there: `scripts/test` puts them into its lab, so that a
missing one is a failure and no reason to skip. `REQUIRED` says which file needs which.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.release import Side

REQUIRED = {
    "test_ingress.py": ("traefik", "cert-manager"),
    "test_images.py": ("registry",),
    "test_metrics.py": ("metrics-server",),
    "test_network_policies.py": ("kube-router",),
    "test_replicas.py": ("databases",),
    "test_docs.py": ("traefik", "cert-manager", "databases", "registry"),
    "test_monitoring.py": ("prometheus-operator",),
}
"""What `scripts/lab extra` must bring before a file's tests can run."""
# An object that is there when the extra is.
SIGNS = {
    "traefik": ("IngressClass", "traefik", ""),
    "cert-manager": ("ClusterIssuer", "lab-ca", ""),
    "metrics-server": ("Deployment", "metrics-server", "kube-system"),
    "databases": ("Deployment", "postgres", "databases"),
    "kube-router": ("DaemonSet", "kube-router", "kube-system"),
    "registry": ("Deployment", "registry", "registry"),
    "prometheus-operator": (
        "CustomResourceDefinition",
        "servicemonitors.monitoring.coreos.com",
        "",
    ),
}


def of(files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the extras that these test files (as pytest names them) need; all without any."""
    wanted = [
        extra
        for name, extras in REQUIRED.items()
        if not files
        or any(name in file or file.rstrip("/").endswith("tests/e2e") for file in files)
        for extra in extras
    ]
    return tuple(dict.fromkeys(wanted))


def missing(host: Side, *names: str) -> list[str]:
    """Return the extras among these that the host lacks."""
    return [name for name in names if host.api.find(*SIGNS[name]) is None]


def demand(host: Side, *names: str) -> None:
    """Skip the test, saying why, when the host lacks an extra that nobody promised."""
    promised = os.environ.get("VC_E2E_EXTRAS", "").split(",")
    for name in missing(host, *names):
        text = f"the host has no {name}: scripts/lab extra {name}"
        if name in promised:
            pytest.fail(text)
        pytest.skip(text)
