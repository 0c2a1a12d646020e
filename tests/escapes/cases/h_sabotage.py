"""Rows H to J: sabotage from inside, leaks, and too much of everything."""

from __future__ import annotations

from collections.abc import Callable

from tests.escapes.build import claim, config_map, pod, secret, service, uses, volume
from tests.escapes.case import Case, Check, Seen, Step, inside, stripped


def _env(seen: Seen, name: str) -> str:
    found = [each for each in seen.first.get("env") or () if each["name"] == name]
    if found and "valueFrom" in found[0]:  # what may change is read from an annotation of ours
        path = found[0]["valueFrom"]["fieldRef"]["fieldPath"]
        key = path.removeprefix("metadata.annotations['").removesuffix("']")
        return str(seen.meta["annotations"].get(key, path))
    return str(found[0].get("value", "")) if found else ""


def _field(path: str) -> dict[str, object]:
    return {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _says(want: Callable[[Seen], str]) -> Check:
    return lambda seen: _env(seen, "V") == want(seen)


def _unused(kind: str) -> Check:
    def check(seen: Seen) -> bool:
        names = [each["metadata"]["name"] for each in seen.every[kind]]
        bad, good = seen.facts["name"], seen.facts["name"] + "-ok"
        return not [each for each in names if each.startswith(bad) and not each.startswith(good)]

    return check


def _phase(phase: str) -> Step:
    return Step({"status": {"phase": phase}}, "status")


CASES: list[Case] = [
    stripped(
        "H2-podip",
        "writes an address into its pod's status",
        pod(),
        lambda seen: (
            not (seen.host.get("status") or {}).get("podIP")
            and (seen.virt.get("status") or {}).get("podIP") != "10.0.0.1"
        ),
        then=(Step({"status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}}, "status"),),
        allowed=pod(),
    ),
    *(
        stripped(
            f"H7-{phase.lower()}",
            f"says that its pod is {phase}",
            pod(),
            lambda seen: (
                bool(seen.host)
                and seen.host["status"]["phase"] == "Pending"
                and not seen.meta.get("deletionTimestamp")
            ),
            then=(_phase(phase),),
            allowed=pod(),
        )
        for phase in ("Running", "Succeeded", "Failed")
    ),
    stripped(
        "H7-bound",
        "says that its claim is bound",
        claim(),
        lambda seen: seen.host["status"]["phase"] == "Pending" and not seen.spec.get("volumeName"),
        then=(Step({"status": {"phase": "Bound", "capacity": {"storage": "1Ti"}}}, "status"),),
        allowed=claim(),
    ),
    *(
        stripped(
            f"I1-{name}",
            f"asks for its {path}",
            pod(env=[_field(path)]),
            _says(want),
            allowed=pod(env=[{"name": "V", "value": "plain"}]),
            shows=lambda seen: _env(seen, "V") == "plain",
        )
        for name, path, want in (
            ("name", "metadata.name", lambda seen: seen.virt["metadata"]["name"]),
            ("namespace", "metadata.namespace", lambda seen: seen.facts["ns"]),
            ("uid", "metadata.uid", lambda seen: seen.virt["metadata"]["uid"]),
            ("account", "spec.serviceAccountName", lambda _seen: "default"),
            ("label", "metadata.labels['escape']", lambda seen: seen.facts["name"]),
            ("annotation", "metadata.annotations['none']", lambda _seen: ""),
        )
    ),
    stripped(
        "I1-hostname",
        "asks who it is",
        pod(),
        lambda seen: seen.spec["hostname"] == seen.facts["name"],
        allowed=pod({"hostname": "mine"}),
        shows=lambda seen: seen.spec["hostname"] == "mine",
    ),
    stripped(
        "I1-volume",
        "asks for its labels and its namespace by a file",
        pod(
            volume(
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "n", "fieldRef": {"fieldPath": "metadata.namespace"}},
                            {"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}},
                        ]
                    }
                }
            )
        ),
        lambda seen: (
            not {"metadata.namespace", "metadata.labels"}
            & {
                each["fieldRef"]["fieldPath"]
                for each in seen.spec["volumes"][0]["downwardAPI"]["items"]
            }
        ),
        allowed=pod(volume({"emptyDir": {}})),
    ),
    stripped(
        "I1-services",
        "reads the host's services in its environment",
        pod(),
        lambda seen: (
            _env(seen, "KUBERNETES_SERVICE_HOST") == seen.facts["api"]
            and not [each for each in seen.first["env"] if each["name"].startswith("VICTIM_")]
        ),
        allowed=pod(),
    ),
    *(
        inside(
            f"J1-unused-{kind.lower()}",
            "a hundred objects that no pod names",
            tuple(
                {**made, "metadata": {**made["metadata"], "name": f"@name-{number}"}}
                for number in range(100)
            ),
            _unused(kind),
            allowed=(uses(kind), made),
        )
        for kind, made in (("ConfigMap", config_map()), ("Secret", secret()))
    ),
    inside(
        "J1-events",
        "events of its own",
        {
            "kind": "Event",
            "metadata": {"name": "@name", "namespace": "@ns"},
            "involvedObject": {"kind": "Pod", "name": "@rel-0", "namespace": "@ns"},
            "reason": "Forged",
            "message": "x",
            "type": "Warning",
        },
        lambda seen: "Forged" not in [each.get("reason") for each in seen.every["Event"]],
        allowed=service(),
    ),
    stripped(
        "J1-big",
        "a ConfigMap as big as the API takes",
        (uses("ConfigMap"), config_map(None, big="x" * 900_000)),
        lambda seen: len(seen.host["data"]["big"]) == 900_000,
        allowed=(uses("ConfigMap"), config_map()),
    ),
    stripped(
        "J2-grace",
        "a pod that takes 68 years to end",
        pod({"terminationGracePeriodSeconds": 2**31 - 1}),
        lambda seen: seen.spec["terminationGracePeriodSeconds"] <= 3600,
        allowed=pod({"terminationGracePeriodSeconds": 60}),
        shows=lambda seen: seen.spec["terminationGracePeriodSeconds"] == 60,
    ),
    stripped(
        "J2-finalizer-pod",
        "a pod that its finalizer keeps",
        pod(metadata={"finalizers": ["example.com/never"]}),
        lambda seen: not seen.meta.get("finalizers"),
        allowed=pod(),
    ),
    stripped(
        "J2-finalizer-later",
        "a finalizer added later",
        service(),
        lambda seen: not seen.meta.get("finalizers"),
        then=(Step({"metadata": {"finalizers": ["example.com/never"]}}),),
        allowed=service(),
    ),
]
