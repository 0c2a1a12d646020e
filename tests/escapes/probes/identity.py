"""Rows B4 and B7: credentials of one side at the other, and what listens."""

from __future__ import annotations

import base64
import secrets
import urllib.request

from tests.e2e import kubeconfig
from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.e2e.release import Side
from tests.e2e.session import claims_of
from tests.escapes.probing import Probing, probe
from tests.escapes.wire import listens


def _token(side: Side, namespace: str, account: str, *audiences: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    request: Obj = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": list(audiences), "expirationSeconds": 600},
    }
    return str(side.api.json("POST", path, request)["status"]["token"])


def _status(probing: Probing, side: Side, token: str) -> int:
    config = kubeconfig.with_token(side.kubectl, token, "default")
    file = probing.session.scratch / f"token-{secrets.token_hex(4)}.kubeconfig"
    api = Cluster(kubeconfig.write(config, file))
    try:
        api.all("Pod", "default")
    except ApiError as error:
        return error.status
    finally:
        api.close()
    return 200


def _refused(probing: Probing, token: str, own: Side, other: Side) -> str:
    if _status(probing, own, token) == 401:
        return "its own API does not know the token: the case proves nothing"
    status = _status(probing, other, token)
    return "" if status == 401 else f"the other API answers {status}"


@probe("B4-virtual-at-host", "a token of the virtual cluster's at the host's API")
def virtual_at_host(probing: Probing) -> str:
    virt, host = probing.place.virt, probing.place.release.host
    return _refused(probing, _token(virt, "kube-system", "default"), virt, host)


@probe("B4-virtual-at-host-audience", "the same, for the host's audience")
def virtual_at_host_audience(probing: Probing) -> str:
    virt, host = probing.place.virt, probing.place.release.host
    issuer = "https://kubernetes.default.svc.cluster.local"
    token = _token(virt, "kube-system", "default", issuer, "k3s")
    return _refused(probing, token, virt, host)


@probe("B4-host-at-virtual", "a token of the host's at the virtual API")
def host_at_virtual(probing: Probing) -> str:
    virt, host = probing.place.virt, probing.place.release.host
    namespace = probing.facts["host"]
    if problem := _refused(probing, _token(host, namespace, probing.facts["workload"]), host, virt):
        return problem
    status = _status(probing, virt, _token(host, namespace, probing.facts["account"]))
    return "" if status == 401 else f"the virtual API answers the syncer {status}"


@probe("B4-workload-at-host", "what the account of its pods may do on the host: nothing")
def workload_rights(probing: Probing) -> str:
    host = probing.place.release.host
    token = _token(host, probing.facts["host"], probing.facts["workload"])
    return "" if _status(probing, host, token) == 403 else "the workload's account may read pods"


@probe("B4-lifetime", "how long a token in a pod lives")
def lifetime(probing: Probing) -> str:
    claims = claims_of(_token(probing.place.virt, "kube-system", "default"))
    return "" if claims["exp"] - claims["iat"] <= 3607 else f"{claims}"


@probe("B4-pod-token", "how long the token in a running pod lives, and whether it dies with it")
def pod_token(probing: Probing) -> str:
    host = probing.place.release.host.api
    dns = host.get("Pod", probing.facts["dnshost"], probing.facts["host"])
    sources = [
        source["secret"]["name"]
        for each in dns["spec"]["volumes"]
        for source in (each.get("projected") or {}).get("sources") or ()
        if "secret" in source
    ]
    (token,) = host.get("Secret", sources[0], probing.facts["host"])["data"].values()
    claims = claims_of(base64.b64decode(token).decode())
    virt = probing.place.virt.api.get("Pod", probing.facts["dnspod"], "kube-system")
    if claims["kubernetes.io"]["pod"]["uid"] != virt["metadata"]["uid"]:
        return f"bound to another pod: {claims['kubernetes.io']}"
    seconds = claims["exp"] - claims["iat"]
    return "" if seconds <= 3607 else f"it lives {seconds} s"


@probe("B7-kubelet-port", "the kubelet endpoint from another pod")
def kubelet_port(probing: Probing) -> str:
    node = probing.place.virt.api.get("Node", probing.facts["node"])
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    plane = probing.facts["planeip"]
    if not listens(plane, 8443):
        return "nobody listens where the virtual API should: the case proves nothing"
    return f"{plane}:{port} accepts connections" if listens(plane, port) else ""


@probe("B7-anonymous-api", "the virtual API without credentials")
def anonymous(probing: Probing) -> str:
    answer = probing.wire.ask("/api/v1/namespaces", anonymous=True)
    return "" if answer.status == 401 else f"{answer}"


@probe("B7-metrics", "the syncer's figures, which anybody may read: they name nobody")
def metrics(probing: Probing) -> str:
    url = f"http://{probing.facts['planeip']}:8081/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    names = [probing.facts[each] for each in ("host", "foreign", "dnspod", "node", "victim")]
    told = [name for name in names if name in text]
    return f"names {told}" if told else "" if "virtualcluster_" in text else "no figures"
