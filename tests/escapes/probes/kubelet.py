"""Rows G: the kubelet endpoint, and the ways to it."""

from __future__ import annotations

from tests.e2e.pods import wait_ready
from tests.escapes.probing import PROBES, SPACE, Named, Probe, Probing, probe
from tests.escapes.wire import FORWARD, UPGRADE

OWN = "containerLogs/kube-system/@dnspod/coredns"
EXEC = "command=id&output=1&error=1"
OTHER_UID = "11111111-1111-1111-1111-111111111111"

LOGS: dict[str, tuple[str, str]] = {
    "G1-plane": ("the control plane's logs by its host name", "containerLogs/@host/@rel-0/syncer"),
    "G1-k3s": ("k3s' logs by its host name", "containerLogs/@host/@rel-0/virtual-cluster"),
    "G1-own-host-name": ("its own pod by its host name", "containerLogs/@host/@dnshost/coredns"),
    "G1-mixed-name": (
        "its own pod by half of its host name",
        "containerLogs/kube-system/@dnshost/coredns",
    ),
    "G1-victim": ("another namespace's pod", "containerLogs/@victim/victim/main"),
    "G1-kube-system": ("the host's kube-system", "containerLogs/kube-system/kube-apiserver/main"),
    "G2-dots": ("dots in the path", "containerLogs/kube-system/../@host/@rel-0/syncer"),
    "G2-dots-encoded": ("dots, encoded", "containerLogs/kube-system/%2e%2e/@host/@rel-0/syncer"),
    "G2-slash-encoded": (
        "a slash, encoded",
        "containerLogs/kube-system%2f..%2f@host/@rel-0/syncer",
    ),
    "G2-pod-slash": ("a slash in the pod's name", "containerLogs/@host/x%2f..%2f@rel-0/syncer"),
    "G2-double-slash": ("a doubled slash", "containerLogs//@host/@rel-0/syncer"),
    "G2-double-encoded": ("encoded twice", "containerLogs/%252e%252e/@rel-0/syncer"),
    "G2-semicolon": ("a semicolon", "containerLogs/kube-system/@dnspod;x=@rel-0/coredns"),
    "G2-nul": ("a NUL", "containerLogs/kube-system/@dnspod%00/coredns"),
    "G2-extra": ("a segment too many", "containerLogs/kube-system/@dnspod/coredns/syncer"),
    "G2-few": ("a segment too few", "containerLogs/kube-system/@dnspod"),
    "G2-healthz": (
        "a path that begins as a harmless one",
        "healthz/../containerLogs/@host/@rel-0/syncer",
    ),
    "G2-container-healthz": (
        "a container called healthz",
        "containerLogs/kube-system/@dnspod/healthz",
    ),
    "G2-container-metrics": (
        "a container called metrics",
        "containerLogs/kube-system/@dnspod/metrics",
    ),
    "G2-container-pods": ("a container called pods", "containerLogs/kube-system/@dnspod/pods"),
    "G2-upper": ("another spelling", "containerlogs/kube-system/@dnspod/coredns"),
    "G3-tls": ("a switch that ends checks", f"{OWN}?insecureSkipTLSVerifyBackend=true"),
    "G3-doubled": ("a parameter twice", f"{OWN}?tailLines=1&tailLines=2"),
    "G3-unknown": ("a parameter of nobody's", f"{OWN}?as=system:masters"),
    "G3-container": ("another container by a parameter", f"{OWN}?container=syncer"),
    "G3-injected": ("a parameter in a parameter", f"{OWN}?tailLines=1%26container=syncer"),
    "G3-negative": ("a number below zero", f"{OWN}?tailLines=-1"),
    **{
        f"G6-{path.strip('/').replace('/', '-')}": ("what is a node's own", path)
        for path in (
            *("pods", "runningpods/", "configz", "metrics", "metrics/cadvisor", "metrics/probes"),
            *(
                "stats/summary",
                "spec/",
                "logs/",
                "debug/pprof/",
                "debug/flags/v",
                "checkpoint/a/b/c",
            ),
        )
    },
    "G6-run": ("a command by /run", "run/kube-system/@dnspod/coredns?cmd=id"),
}
STREAMS: dict[str, tuple[str, str]] = {
    "G1-exec-plane": ("a shell in the control plane", f"exec/@host/@rel-0/syncer?{EXEC}"),
    "G1-exec-own-host-name": (
        "a shell by a host name",
        f"exec/kube-system/@dnshost/coredns?{EXEC}",
    ),
    "G1-attach-plane": ("attached to the control plane", "attach/@host/@rel-0/syncer?output=1"),
    "G1-forward-plane": ("a port of the control plane's", "portForward/@host/@rel-0?port=8081"),
    "G4-exec-injected": (
        "a container that is not its own",
        f"exec/kube-system/@dnspod/istio-proxy?{EXEC}",
    ),
    "G7-exec-uid": (
        "the pod before this one, by its UID",
        f"exec/kube-system/@dnspod/{OTHER_UID}/coredns?{EXEC}",
    ),
    "G7-forward-uid": (
        "the same by a port",
        f"portForward/kube-system/@dnspod/{OTHER_UID}?port=53",
    ),
}


def _path(probing: Probing, path: str) -> str:
    for word in sorted(probing.facts, key=len, reverse=True):
        path = path.replace(f"@{word}", probing.facts[word])
    return f"/{path}"


def _logs(path: str) -> Probe:
    def probe_logs(probing: Probing) -> str:
        own = probing.kubelet().ask(_path(probing, f"{OWN}?tailLines=1"))
        if own.status != 200:
            return f"its own logs are not served: {own}"
        answer = probing.kubelet().ask(_path(probing, path))
        return f"{path}: {answer.status} {answer.body[:200]}" if answer.opened else ""

    return probe_logs


def _stream(path: str) -> Probe:
    def probe_stream(probing: Probing) -> str:
        own = probing.kubelet().ask(
            _path(probing, "portForward/kube-system/@dnspod"), "POST", FORWARD
        )
        if own.status != 101:
            return f"its own stream is not opened: {own}"
        headers = FORWARD if path.startswith("portForward") else UPGRADE
        answer = probing.kubelet().ask(_path(probing, path), "POST", headers)
        return f"{path}: {answer.status} {answer.body[:200]}" if answer.opened else ""

    return probe_stream


PROBES += [Named(name, tries, _logs(path)) for name, (tries, path) in LOGS.items()]
PROBES += [Named(name, tries, _stream(path)) for name, (tries, path) in STREAMS.items()]


@probe("G4-hosts-container", "logs of a container that only the host pod has")
def injected(probing: Probing) -> str:
    # It runs, so that there are logs to be had.
    spec = {"subdomain": "sub", "nodeSelector": {"kubernetes.io/os": "linux"}}
    made = probing.tenant.send(probing.pod("g4", spec))
    meta, virt = made["metadata"], probing.place.virt
    wait_ready(virt, SPACE, meta["name"])
    twin = probing.place.snapshot().twins[meta["uid"]]
    theirs = {each["name"] for each in twin["spec"].get("initContainers") or ()}
    if not theirs:
        return "the host pod has no container of ours: the case proves nothing"
    problems = []
    for name in theirs:
        path = f"containerLogs/{SPACE}/{made['metadata']['name']}/{name}"
        answer = probing.kubelet().ask(_path(probing, path))
        if answer.status != 404:
            problems.append(f"{path}: {answer}")
    probing.tenant.forget(made)
    return "; ".join(problems)


HEADERS: dict[str, dict[str, str]] = {
    "impersonate": {"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"},
    "remote": {"X-Remote-User": "system:admin", "X-Remote-Group": "system:masters"},
    "forwarded": {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
}


def _headers(headers: dict[str, str]) -> Probe:
    def probe_headers(probing: Probing) -> str:
        audit = probing.session.audit
        probing.kubelet().ask(_path(probing, f"{OWN}?tailLines=1"), headers=headers)
        if audit is None:
            return "there is no audit log to look into"
        text = audit.path.read_text(errors="replace")[-2_000_000:]
        lines = [each for each in text.splitlines() if "impersonatedUser" in each]
        mine = [each for each in lines if f":{probing.facts['host']}:" in each]
        return f"acted for somebody else: {mine[0][:300]}" if mine else ""

    return probe_headers


PROBES += [
    Named(f"G5-{name}", "identities in headers", _headers(each)) for name, each in HEADERS.items()
]


@probe("G5-smuggling", "a second request behind an upgrade that is refused")
def smuggling(probing: Probing) -> str:
    path = _path(probing, f"exec/@host/@rel-0/syncer?{EXEC}")
    for method in ("GET", "POST"):
        for headers in (
            UPGRADE,
            {**UPGRADE, "Transfer-Encoding": "chunked"},
            {"Content-Length": "0"},
        ):
            answer = probing.kubelet().ask(path, method, headers)
            if answer.opened:
                return f"{method} {headers}: {answer}"
    return ""


def _proxied(path: str) -> Probe:
    def probe_proxy(probing: Probing) -> str:
        own = probing.wire.ask(probing.own_logs())
        if own.status != 200:
            return f"its own logs are not served: {own}"
        there = f"/api/v1/nodes/{probing.facts['node']}/proxy{_path(probing, path)}"
        answer = probing.wire.ask(there)
        return f"{there}: {answer}" if answer.opened else ""

    return probe_proxy


PROXIED = (
    "pods",
    "containerLogs/@host/@rel-0/syncer",
    "exec/@host/@rel-0/syncer?command=id",
    "metrics",
)
PROBES += [
    Named(
        f"G6-proxy-{path.partition('/')[0].lower()}", "a node's own, by nodes/proxy", _proxied(path)
    )
    for path in PROXIED
]


@probe("G1-api", "pods by their host names, by the virtual API")
def by_api(probing: Probing) -> str:
    facts = probing.facts
    for namespace, pod in ((facts["host"], f"{facts['rel']}-0"), (SPACE, facts["dnshost"])):
        for sub in ("log", "exec?command=id&stdout=1", "attach?stdout=1", "portforward?ports=53"):
            path = f"/api/v1/namespaces/{namespace}/pods/{pod}/{sub}"
            answer = probing.wire.ask(path, "GET" if sub == "log" else "POST", UPGRADE)
            if answer.opened:
                return f"{path}: {answer}"
    own = probing.wire.ask(probing.own_logs())
    return "" if own.status == 200 else f"its own logs are not served: {own}"
