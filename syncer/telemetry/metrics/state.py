"""How the syncer is as a whole."""

from __future__ import annotations

from syncer.kube import version
from syncer.telemetry.metrics.family import GAUGE, Family

FAMILIES = (
    Family(
        "virtualcluster_ready",
        GAUGE,
        "1 when /readyz says so: the syncer is in step, and nothing is wrong; else 0.",
        (),
        lambda progress: [((), float(progress.ready()))],
    ),
    Family(
        "virtualcluster_leader",
        GAUGE,
        "Where there are several replicas: 1 for the one that leads and writes, else 0.",
        (),
        lambda progress: [((), float(progress.leader.holds()))] if progress.leader else (),
    ),
    Family(
        "virtualcluster_build_info",
        GAUGE,
        "1, for the version of the syncer.",
        ("version",),
        lambda _: [((version.own(),), 1.0)],
    ),
    Family(
        "virtualcluster_api_server_info",
        GAUGE,
        "1, for the version of an API server.",
        ("side", "version"),
        lambda progress: (((side, said), 1.0) for side, said in progress.versions.items()),
    ),
    Family(
        "virtualcluster_deletions_held",
        GAUGE,
        "Objects whose deletion on the host the brake holds until the operator confirms it.",
        (),
        lambda progress: (
            [((), len(progress.controller.world.brake))] if progress.controller else ()
        ),
    ),
    Family(
        "virtualcluster_datastore_mismatch",
        GAUGE,
        "1 when the virtual cluster is not the one that the objects on the host come from.",
        (),
        lambda progress: [((), progress.sources.datastore.mismatch())] if progress.sources else (),
    ),
    Family(
        "virtualcluster_certificate_expiration_timestamp_seconds",
        GAUGE,
        "When a certificate of the virtual cluster ends. k3s renews its own when it starts; those"
        " that the syncer signs for itself are left out, for they are made anew in time.",
        ("certificate",),
        lambda progress: (((name,), end) for name, end in progress.expiries().items()),
    ),
)
