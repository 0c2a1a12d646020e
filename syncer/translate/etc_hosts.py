"""The /etc/hosts of pods with a `subdomain`: their full virtual name, as `hostname -f` prints it.

On the host the pod has no subdomain: its Service has another name there. The kubelet's own file
holds the short name only, and before all lines that a pod could add. So an init container of our
own image writes the file, with the address that the pod got, into a volume which is mounted over
it. Only pods with a subdomain have that container; it meets Pod Security `restricted`.
"""

from __future__ import annotations

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate.etc_hosts_init import ALIASES, NAMES

CONTAINER = "virtualcluster-hosts"
"""The init container's name, and the volume's."""
PATH = "/etc/hosts"
NOBODY = 65532
LITTLE = {"cpu": "100m", "memory": "32Mi"}


def with_full_name(host_spec: Obj, virt_pod: Obj, image: str, domain: str) -> Obj:
    """Return the host pod's spec with the init container, if the pod needs one.

    `image` is our own; empty where the operator switched this off. Raises Refused for a pod that
    uses the container's name itself.
    """
    spec = virt_pod["spec"]
    if not image or not spec.get("subdomain") or spec.get("hostNetwork") or _windows(spec):
        return host_spec
    everything = [*(host_spec.get("initContainers") or ()), *host_spec["containers"]]
    volumes = host_spec.get("volumes") or []
    if CONTAINER in {each["name"] for each in (*everything, *volumes)}:
        raise Refused("NameTaken", f"the name {CONTAINER} is needed in the pod: use another one")
    full = f"{host_spec['hostname']}.{spec['subdomain']}.{virt_pod['metadata']['namespace']}.svc"
    names = f"{full}.{domain} {host_spec['hostname']}"
    init = _container(image, names, spec.get("hostAliases") or (), limited=_limited(everything))
    return {
        **host_spec,
        "initContainers": [
            init,
            *(_mounted(each) for each in host_spec.get("initContainers") or ()),
        ],
        "containers": [_mounted(each) for each in host_spec["containers"]],
        "volumes": [*volumes, {"name": CONTAINER, "emptyDir": {"sizeLimit": "1Mi"}}],
    }


def _container(image: str, names: str, aliases: list[Obj] | tuple[()], *, limited: bool) -> Obj:
    lines = "\n".join("\t".join((each["ip"], *each.get("hostnames", ()))) for each in aliases)
    env = [
        {"name": NAMES, "value": names},
    ]
    if lines:
        env.append({"name": ALIASES, "value": lines.replace("$", "$$")})
    container: Obj = {
        "name": CONTAINER,
        "image": image,
        # No site packages and none of the tenant's environment: it starts in a few milliseconds.
        "command": ["python3", "-S", "-m", "syncer.translate.etc_hosts_init", "/hosts/hosts"],
        "env": env,
        "volumeMounts": [{"name": CONTAINER, "mountPath": "/hosts"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": NOBODY,
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if limited:
        # A Guaranteed pod stays one, a quota is met, and a BestEffort pod stays one too.
        container["resources"] = {"limits": dict(LITTLE), "requests": dict(LITTLE)}
    return container


def _mounted(container: Obj) -> Obj:
    mounts = container.get("volumeMounts") or []
    if any(each["mountPath"].rstrip("/") == PATH for each in mounts):
        return container  # the tenant's own file, as on a real cluster
    mount = {"name": CONTAINER, "mountPath": PATH, "subPath": "hosts"}
    return {**container, "volumeMounts": [*mounts, mount]}


def _limited(containers: list[Obj]) -> bool:
    resources = [each.get("resources") or {} for each in containers]
    return any(each.get("limits") or each.get("requests") for each in resources)


def _windows(spec: Obj) -> bool:
    return bool((spec.get("os") or {}).get("name") == "windows")
