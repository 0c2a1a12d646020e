"""Rows E7, H5, I2: what the tenant does to the cluster that the syncer lives in."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.e2e.cluster import ApiError, Obj
from tests.e2e.waiting import Pending, until
from tests.escapes.build import service
from tests.escapes.case import filled
from tests.escapes.probing import SPACE, Probing, probe


def _reaches(probing: Probing, name: str, seconds: float = 30) -> None:
    """Wait until a new Service of the tenant's is on the host."""
    facts = {**probing.facts, "ns": SPACE, "name": probing.named(name)}
    sent = probing.tenant.send(filled(service(), facts))
    uid = sent["metadata"]["uid"]
    until(f"{name} is on the host", lambda: uid in probing.place.snapshot().twins, seconds)
    probing.tenant.forget(sent)


def _restored(ask: Callable[[], object], before: object, seconds: float) -> None:
    def same() -> bool:
        now = ask()
        if now != before:
            raise Pending(str(now))
        return True

    until("its own address is back", same, seconds)


@probe("E7-kubernetes-endpoints", "other addresses behind its own API")
def api_endpoints(probing: Probing) -> str:
    virt = probing.place.virt.api
    before = virt.get("Endpoints", "kubernetes", "default")["subsets"]
    forged = [{"addresses": [{"ip": "203.0.113.1"}], "ports": [{"name": "https", "port": 443}]}]
    virt.patch("Endpoints", "kubernetes", "default", {"subsets": forged})
    _restored(lambda: virt.get("Endpoints", "kubernetes", "default")["subsets"], before, 30)
    _reaches(probing, "e7-endpoints")
    return ""


@probe("E7-kubernetes-service", "its own API's Service deleted")
def api_service(probing: Probing) -> str:
    virt = probing.place.virt.api
    virt.delete("Service", "kubernetes", "default")

    def address() -> object:
        found = virt.find("Service", "kubernetes", "default")
        return (found or {"spec": {}})["spec"].get("clusterIP")

    _restored(address, probing.facts["api"], 60)
    _reaches(probing, "e7-service")
    return ""


@probe("E7-coredns", "other names by its own CoreDNS")
def coredns(probing: Probing) -> str:
    virt, host = probing.place.virt.api, probing.place.release.host.api
    found = virt.get("ConfigMap", "coredns", SPACE)
    forged = {
        "data": {
            "NodeHosts": found["data"].get("NodeHosts", "")
            + "\n203.0.113.1 kubernetes.default.svc\n"
        }
    }
    virt.patch("ConfigMap", "coredns", SPACE, forged)
    _reaches(probing, "e7-coredns")
    plane = host.get("Pod", probing.place.release.pod, probing.facts["host"])
    virt.patch("ConfigMap", "coredns", SPACE, {"data": found["data"]})
    own = plane["spec"].get("dnsPolicy") == "ClusterFirst" and "203.0.113.1" not in str(
        plane["spec"]
    )
    return "" if own else "the control plane asks the tenant's name server"


def _hook(name: str, *rules: Obj, kind: str = "ValidatingWebhookConfiguration") -> Obj:
    return {
        "kind": kind,
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "hook.example.com",
                "rules": list(rules),
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 1,
                "clientConfig": {"url": "https://127.0.0.1:1/never"},
            }
        ],
    }


def _rule(resource: str, group: str = "") -> Obj:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
        "scope": "*",
    }


def _under(probing: Probing, hook: Obj, name: str) -> str:
    virt = probing.place.virt.api
    virt.create(hook)
    try:
        _reaches(probing, name, 60)
    except AssertionError as error:
        return f"others are held up: {error}"
    finally:
        virt.delete(hook["kind"], hook["metadata"]["name"])
    made = probing.tenant.send(probing.pod(name))
    uid = made["metadata"]["uid"]
    until("pods recover", lambda: uid in probing.place.snapshot().twins, 60)
    probing.tenant.forget(made)
    return ""


@probe("H5-status-webhook", "a webhook that lets no status be written", last=True)
def status_webhook(probing: Probing) -> str:
    hook = _hook(probing.named("status"), _rule("pods/status"), _rule("nodes/status"))
    return _under(probing, hook, "h5-status")


@probe("H5-event-webhook", "a webhook that lets no event be written", last=True)
def event_webhook(probing: Probing) -> str:
    return _under(probing, _hook(probing.named("events"), _rule("events")), "h5-events")


@probe("H5-flowschema", "the syncer's own requests slowed down inside", last=True)
def flow_schema(probing: Probing) -> str:
    hook = _hook(
        probing.named("mutate"), _rule("pods/binding"), kind="MutatingWebhookConfiguration"
    )
    return _under(probing, hook, "h5-binding")


SERVING = "k3s-serving"


@probe("I2-certificate", "reads the certificate of its own API for names of the host's")
def certificate(probing: Probing) -> str:
    found = probing.place.virt.api.find("Secret", SERVING, SPACE)
    told = found is not None and probing.facts["host"] in json.dumps(found["metadata"])
    return f"{SERVING} names the host namespace" if told else ""


@probe("I2-host-names", "reads everything inside for names of the host's", last=True)
def host_names(probing: Probing) -> str:
    virt, host = probing.place.virt.api, probing.place.release.host.api
    spec = {"nodeSelector": {"kubernetes.io/os": "linux"}}
    made = probing.tenant.send(probing.pod("i2", spec))  # it runs: the host has much to say of it
    name = made["metadata"]["name"]

    def told_of() -> bool:
        events = [e for e in virt.all("Event", SPACE) if e["involvedObject"].get("name") == name]
        return bool({"Started", "Failed"} & {each["reason"] for each in events})

    until("the host's events about a pod are inside", told_of, 90)
    secret = {probing.facts["host"], probing.facts["victim"]}
    secret |= {each["metadata"]["uid"] for each in host.all("Pod", probing.facts["host"])}
    found = []
    for resource in virt.listable():
        try:
            objects = virt.list_of(resource)
        except ApiError:
            continue
        for each in objects:
            if each["metadata"].get("name") == SERVING:
                continue  # another case's
            told = [word for word in secret if word in json.dumps(each)]
            if told:
                found.append(f"{resource.plural} {each['metadata'].get('name')}: {told}")
    probing.tenant.forget(made)
    return "; ".join(found[:10])
