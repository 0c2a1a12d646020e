"""Containers: environment, probes and hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import downward_api
from syncer.translate.fields import COPY, MAP, Verdict, apply

Rename = Callable[[str, str], str]
"""(kind, virtual name in the pod's namespace) → host name"""

CONTAINER: dict[str, Verdict] = {
    "args": COPY,
    "command": COPY,
    "env": MAP,  # Services of the virtual cluster; names of the twins
    "envFrom": MAP,  # names of the twins
    "image": COPY,
    "imagePullPolicy": COPY,
    "lifecycle": COPY,  # Pod Security judges whether a host may be named (threats A3)
    "livenessProbe": COPY,
    "name": COPY,
    "ports": COPY,
    "readinessProbe": COPY,
    "resizePolicy": COPY,
    "resources": MAP,  # without claims, which reach devices of the host
    "restartPolicy": COPY,
    "restartPolicyRules": COPY,
    "securityContext": COPY,  # Pod Security judges the final pod
    "startupProbe": COPY,
    "stdin": COPY,
    "stdinOnce": COPY,
    "terminationMessagePath": COPY,
    "terminationMessagePolicy": COPY,
    "tty": COPY,
    "volumeDevices": COPY,
    "volumeMounts": COPY,
    "workingDir": COPY,
}


def to_host(virt_pod: Obj, container: Obj, service_env: list[Obj], rename: Rename) -> Obj:
    """Return the host's form of one container.

    Raises Refused for what is not offered, and for unknown fields.
    """
    where = f"containers[{container['name']}]"
    mapped: Obj = {
        "env": [
            *service_env,
            *(_env(virt_pod, each, rename) for each in container.get("env") or ()),
        ],
        "envFrom": [_env_from(each, rename) for each in container.get("envFrom") or ()] or None,
        "resources": _resources(container.get("resources"), where),
    }
    return apply(CONTAINER, container, mapped, where=where)


def service_env(services: Iterable[Obj], api_ip: str, *, links: bool) -> list[Obj]:
    """Return the variables by which pods find services.

    The API server's always, the others' where the pod wants service links (the rules are those of
    k8s.io/kubernetes/pkg/kubelet/envvars).
    """
    api: Obj = {
        "metadata": {"name": "kubernetes"},
        "spec": {"clusterIP": api_ip, "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]},
    }
    variables = _of_service(api)
    if links:
        for service in sorted(services, key=lambda each: str(each["metadata"]["name"])):
            ip, meta = service["spec"].get("clusterIP"), service["metadata"]
            if (meta["namespace"], meta["name"]) == ("default", "kubernetes"):
                continue  # until kubernetes_service.py moves it, this is the host's API server
            if ip and ip != "None" and service["spec"].get("type") != "ExternalName":
                variables.update(_of_service(service))
    return [{"name": name, "value": value} for name, value in variables.items()]


def _of_service(service: Obj) -> dict[str, str]:
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    ip = service["spec"]["clusterIP"]
    host = f"[{ip}]" if ":" in ip else ip
    ports = service["spec"].get("ports") or ()
    if not ports:
        return {}
    result = {f"{prefix}_SERVICE_HOST": ip, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            name = port["name"].upper().replace("-", "_")
            result[f"{prefix}_SERVICE_PORT_{name}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol, number = port.get("protocol", "TCP"), port["port"]
        url = f"{protocol.lower()}://{host}:{number}"
        if index == 0:
            result[f"{prefix}_PORT"] = url
        stem = f"{prefix}_PORT_{number}_{protocol.upper()}"
        result[stem] = url
        result[f"{stem}_PROTO"] = protocol.lower()
        result[f"{stem}_PORT"] = str(number)
        result[f"{stem}_ADDR"] = ip
    return result


def _env(virt_pod: Obj, variable: Obj, rename: Rename) -> Obj:
    source = variable.get("valueFrom")
    if not source:
        return variable
    if "fieldRef" in source:
        path = source["fieldRef"]["fieldPath"]
        text = downward_api.value(virt_pod, path)
        if text is None:
            return variable
        if downward_api.may_change(path):
            return {
                "name": variable["name"],
                "valueFrom": {"fieldRef": downward_api.reference(path)},
            }
        # "$(" begins a reference in a literal, which a fieldRef's value is not.
        return {"name": variable["name"], "value": text.replace("$", "$$")}
    for field, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            ref = source[field]
            return {
                "name": variable["name"],
                "valueFrom": {field: {**ref, "name": rename(kind, ref.get("name", ""))}},
            }
    if "resourceFieldRef" in source:
        return variable
    raise Refused(
        "FieldRefused", f"env {variable['name']}: valueFrom {', '.join(source)} is not offered"
    )


def _env_from(source: Obj, rename: Rename) -> Obj:
    result = {key: value for key, value in source.items() if key == "prefix"}
    for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if field in source:
            ref = source[field]
            result[field] = {**ref, "name": rename(kind, ref.get("name", ""))}
    if unknown := source.keys() - {"prefix", "configMapRef", "secretRef"}:
        raise Refused("FieldRefused", f"envFrom {', '.join(unknown)} is not offered")
    return result


def _resources(resources: Obj | None, where: str) -> Obj | None:
    if resources and resources.get("claims"):
        raise Refused("FieldRefused", f"{where}.resources.claims is not offered: remove it")
    return resources
