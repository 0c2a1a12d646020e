"""How the syncer is as a whole."""

from __future__ import annotations

from syncer.kube import version
from syncer.telemetry.metrics.family import GAUGE, Family

FAMILIES = (
    Family(
        "virtualcluster_ready",
        GAUGE,
        "1 if /readyz succeeds: the initial sync is complete and no check fails; else 0.",
        (),
        lambda progress: [((), float(progress.ready()))],
    ),
    Family(
        "virtualcluster_leader",
        GAUGE,
        "With several replicas: 1 for the leader, which writes, else 0.",
        (),
        lambda progress: [((), float(progress.leader.holds()))] if progress.leader else (),
    ),
    Family(
        "virtualcluster_build_info",
        GAUGE,
        "Always 1, with the version of the syncer.",
        ("version",),
        lambda _: [((version.own(),), 1.0)],
    ),
    Family(
        "virtualcluster_api_server_info",
        GAUGE,
        "Always 1, with the version of an API server.",
        ("side", "version"),
        lambda progress: (((side, said), 1.0) for side, said in progress.versions.items()),
    ),
    Family(
        "virtualcluster_deletions_held",
        GAUGE,
        "Host objects whose deletion is held until the operator confirms it.",
        (),
        lambda progress: (
            [((), len(progress.controller.world.brake))] if progress.controller else ()
        ),
    ),
    Family(
        "virtualcluster_datastore_mismatch",
        GAUGE,
        "1 if the host objects come from another datastore than the current one.",
        (),
        lambda progress: [((), progress.sources.datastore.mismatch())] if progress.sources else (),
    ),
    Family(
        "virtualcluster_certificate_expiration_timestamp_seconds",
        GAUGE,
        "Expiry of a certificate of the virtual cluster. k3s renews its own at its start."
        " Certificates of the syncer are not included: it renews them in time.",
        ("certificate",),
        lambda progress: (((name,), end) for name, end in progress.expiries().items()),
    ),
)
