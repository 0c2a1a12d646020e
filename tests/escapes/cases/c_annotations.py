"""Rows C1 and C3: annotations that somebody on the host obeys."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import claim, config_map, ingress, pod, secret, service, uses
from tests.escapes.case import Case, Seen, Step, stripped

OURS = "virtualcluster.dev/"

FAMILIES: dict[str, dict[str, str]] = {
    "mesh": {
        "sidecar.istio.io/inject": "true",
        "sidecar.istio.io/userVolume": '{"h":{"hostPath":{"path":"/"}}}',
        "sidecar.istio.io/proxyImage": "evil",
        "linkerd.io/inject": "enabled",
        "consul.hashicorp.com/connect-inject": "true",
        "kuma.io/sidecar-injection": "enabled",
    },
    "network": {
        "k8s.v1.cni.cncf.io/networks": "kube-system/host-net",
        "v1.multus-cni.io/default-network": "kube-system/host-net",
        "cni.projectcalico.org/ipAddrs": '["10.0.0.1"]',
        "kubernetes.io/ingress-bandwidth": "10G",
        "ovn.kubernetes.io/logical_switch": "x",
        "policy.cilium.io/no-track-port": "53",
    },
    "downscaler": {
        "downscaler/uptime": "never",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "descheduler.alpha.kubernetes.io/evict": "true",
    },
    "certificates": {
        "cert-manager.io/issue-temporary-certificate": "true",
        "cert-manager.io/inject-ca-from": "kube-system/x",
        "cert-manager.io/allow-direct-injection": "true",
        "acme.cert-manager.io/http01-edit-in-place": "true",
    },
    "dns": {
        "external-dns.alpha.kubernetes.io/hostname": "platform.example.com",
        "external-dns.alpha.kubernetes.io/target": "203.0.113.1",
    },
    "replicator": {
        "replicator.v1.mittwald.de/replicate-from": "kube-system/secret",
        "replicator.v1.mittwald.de/replicate-to": ".*",
        "reflector.v1.k8s.emberstack.com/reflects": "kube-system/secret",
        "kubed.appscode.com/sync": "",
    },
    "cloud": {
        "service.beta.kubernetes.io/aws-load-balancer-internal": "false",
        "service.beta.kubernetes.io/azure-load-balancer-resource-group": "x",
        "networking.gke.io/load-balancer-type": "External",
        "metallb.universe.tf/loadBalancerIPs": "203.0.113.1",
        "service.kubernetes.io/topology-mode": "x",
    },
    "agents": {
        "vault.hashicorp.com/agent-inject": "true",
        "vault.hashicorp.com/role": "admin",
        "instrumentation.opentelemetry.io/inject-java": "kube-system/x",
        "ad.datadoghq.com/main.checks": "{}",
        "co.elastic.logs/enabled": "true",
        "prometheus.io/scrape": "true",
    },
    "kubernetes": {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "container.seccomp.security.alpha.kubernetes.io/main": "unconfined",
        "seccomp.security.alpha.kubernetes.io/pod": "unconfined",
        "scheduler.alpha.kubernetes.io/critical-pod": "",
        "controller.kubernetes.io/pod-deletion-cost": "-100",
        "kubernetes.io/limit-ranger": "x",
    },
}

SNIPPETS: dict[str, dict[str, str]] = {
    "snippet": {
        f"nginx.ingress.kubernetes.io/{name}-snippet": "lua {}"
        for name in ("server", "configuration", "auth", "stream", "modsecurity")
    },
    "auth": {
        "nginx.ingress.kubernetes.io/auth-url": "http://10.96.0.1/$request_uri",
        "nginx.ingress.kubernetes.io/auth-secret": "kube-system/x",
        "nginx.ingress.kubernetes.io/auth-method": "GET\n}",
        "nginx.ingress.kubernetes.io/auth-tls-match-cn": "CN=x)",
    },
    "mirror": {
        "nginx.ingress.kubernetes.io/mirror-target": "http://10.96.0.1",
        "nginx.ingress.kubernetes.io/mirror-host": "x",
    },
    "rewrite": {
        "nginx.ingress.kubernetes.io/rewrite-target": "/;}",
        "nginx.ingress.kubernetes.io/app-root": "/;",
    },
    "alias": {"nginx.ingress.kubernetes.io/server-alias": "platform.example.com"},
    "upstream": {
        "nginx.ingress.kubernetes.io/upstream-vhost": "platform.example.com",
        "nginx.ingress.kubernetes.io/proxy-ssl-secret": "kube-system/x",
        "nginx.ingress.kubernetes.io/service-upstream": "true",
    },
    "traefik": {
        "traefik.ingress.kubernetes.io/router.middlewares": "kube-system-x@kubernetescrd",
        "traefik.ingress.kubernetes.io/service.serversscheme": "h2c",
    },
    "alb": {
        "alb.ingress.kubernetes.io/actions.x": '{"targetGroups":[{"serviceName":"@foreign"}]}',
        "alb.ingress.kubernetes.io/group.name": "platform",
    },
}

VALUES: dict[str, str] = {
    "newline": "8m;\n}\nserver {",
    "brace": "8m}",
    "quote": '8m"',
    "long": "8" * 400,
}

SIZE = "nginx.ingress.kubernetes.io/proxy-body-size"


def _annotated(seen: Seen) -> bool:
    """Tell whether the twin has no annotations but ours, a pod's downward copies included."""
    return all(key.startswith(OURS) for key in seen.meta.get("annotations") or ())


def _many(annotations: Obj) -> dict[str, tuple[Obj, ...]]:
    return {
        "pod": (pod(metadata={"annotations": annotations}),),
        "service": (service({"annotations": annotations}),),
        "secret": (uses("Secret"), secret({"annotations": annotations})),
        "configmap": (uses("ConfigMap"), config_map({"annotations": annotations})),
        "claim": (claim({"annotations": annotations}),),
    }


EVERY = {key: value for family in FAMILIES.values() for key, value in family.items()}

FIRST = ("mesh", "network")


CASES: list[Case] = [
    *(
        stripped(
            f"C1-{family}-{kind}",
            f"annotations that others act upon, on a {kind}",
            made,
            _annotated,
            allowed=_many({})[kind],
        )
        for family, keys in FAMILIES.items()
        for kind, made in _many(keys).items()
        if kind in ("pod", "service") or family in FIRST
    ),
    *(
        stripped(
            f"C1-every-key-{kind}",
            f"all {len(EVERY)} keys at once",
            made,
            _annotated,
            allowed=_many({})[kind],
        )
        for kind, made in _many(EVERY).items()
    ),
    stripped(
        "C1-later",
        "an annotation added to a Service that is there",
        service(),
        _annotated,
        then=(
            Step(
                {
                    "metadata": {
                        "annotations": {"metallb.universe.tf/loadBalancerIPs": "203.0.113.1"}
                    }
                }
            ),
        ),
        allowed=service(),
    ),
    *(
        stripped(
            f"C3-{name}",
            "configuration for a shared ingress controller",
            ingress(annotations=keys),
            _annotated,
            allowed=ingress(annotations={SIZE: "8m"}),
            shows=lambda seen: seen.meta["annotations"].get(SIZE) == "8m",
        )
        for name, keys in SNIPPETS.items()
    ),
    *(
        stripped(
            f"C3-value-{name}",
            "a key that may pass, with a value that ends its directive",
            ingress(annotations={SIZE: value}),
            lambda seen: SIZE not in seen.meta["annotations"],
            allowed=ingress(annotations={SIZE: "8m"}),
            shows=lambda seen: seen.meta["annotations"].get(SIZE) == "8m",
        )
        for name, value in VALUES.items()
    ),
]
