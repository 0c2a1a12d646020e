"""The host pod's metadata: nothing of the tenant's goes into it as it is."""

import pytest

from syncer import identity
from syncer.identity import tenant_key
from syncer.translate.pods import to_host
from tests.unit.build import DNS_IP, IDENT, SCOPE, pod

# What controllers, webhooks and autoscalers of a host are known to obey.
FORBIDDEN = [
    "admission.datadoghq.com/enabled",
    "ad.datadoghq.com/main.logs",
    "azure.workload.identity/client-id",
    "azure.workload.identity/use",
    "cert-manager.io/cluster-issuer",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    "cni.projectcalico.org/ipAddrs",
    "config.linkerd.io/proxy-image",
    "configmap.reloader.stakater.com/reload",
    "consul.hashicorp.com/connect-inject",
    "container.apparmor.security.beta.kubernetes.io/main",
    "container.seccomp.security.alpha.kubernetes.io/main",
    "controller.kubernetes.io/pod-deletion-cost",
    "dapr.io/enabled",
    "descheduler.alpha.kubernetes.io/evict",
    "downscaler/force-uptime",
    "eks.amazonaws.com/role-arn",
    "external-dns.alpha.kubernetes.io/hostname",
    "fluentbit.io/parser",
    "iam.amazonaws.com/role",
    "iam.gke.io/gcp-service-account",
    "instrumentation.opentelemetry.io/inject-java",
    "io.cilium.proxy-visibility",
    "io.kubernetes.cri-o.userns-mode",
    "k8s.ovn.org/pod-networks",
    "k8s.v1.cni.cncf.io/networks",
    "karpenter.sh/do-not-disrupt",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/egress-bandwidth",
    "kubernetes.io/limit-ranger",
    "kubernetes.io/psp",
    "kyverno.io/ignore",
    "linkerd.io/inject",
    "networking.gke.io/interfaces",
    "policies.kyverno.io/last-applied-patches",
    "prometheus.io/scrape",
    "replicator.v1.mittwald.de/replicate-from",
    "scheduler.alpha.kubernetes.io/critical-pod",
    "seccomp.security.alpha.kubernetes.io/pod",
    "security.alpha.kubernetes.io/sysctls",
    "service.beta.kubernetes.io/aws-load-balancer-internal",
    "sidecar.istio.io/inject",
    "sidecar.istio.io/userVolume",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "vault.hashicorp.com/agent-inject",
    "velero.io/exclude-from-backup",
    identity.UID,
    identity.KIND,
    identity.MANAGED_BY,
    identity.PREFIX + "fields",
    identity.TENANT_LABEL + "x",
]


@pytest.mark.parametrize("key", FORBIDDEN)
def test_no_annotation_of_the_tenant_arrives(key: str) -> None:
    """Threats C1, C7, B5."""
    made = to_host(pod(metadata={"annotations": {key: "evil"}}), [], DNS_IP, SCOPE)
    assert made == to_host(pod(), [], DNS_IP, SCOPE)


@pytest.mark.parametrize("key", ["app", "release", identity.MANAGED_BY, identity.NAMESPACE])
def test_labels_arrive_hashed_and_ours_are_last(key: str) -> None:
    """Threats C5."""
    labels = to_host(pod(metadata={"labels": {key: "evil"}}), [], DNS_IP, SCOPE)["metadata"][
        "labels"
    ]
    assert labels == {
        tenant_key(key): "evil",
        identity.MANAGED_BY: "vc",
        identity.NAMESPACE: "default",
    }  # fmt: skip


def test_owners_finalizers_and_other_metadata_stay_behind() -> None:
    """Threats C8."""
    virt = pod(
        metadata={
            "ownerReferences": [{"kind": "ReplicaSet", "uid": "rs", "controller": True}],
            "finalizers": ["tenant/hold"],
            "generateName": "web-",
            "deletionGracePeriodSeconds": 5,
        }
    )
    assert to_host(virt, [], DNS_IP, SCOPE) == to_host(pod(), [], DNS_IP, SCOPE)
    assert to_host(virt, [], DNS_IP, SCOPE)["metadata"]["ownerReferences"] == [
        IDENT.owner(controller=True)
    ]
