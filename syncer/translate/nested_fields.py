"""The fields that a host object may have below its spec's own, at any depth. Pure.

The table of a kind decides about the fields of its spec; what these hold is copied with them. A
field that is not named here is refused on the final host object, like one of the spec: what
Kubernetes adds to a security context or a probe tomorrow reaches no host unseen either (threats
A8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncer.errors import Refused
from syncer.kube.objects import Obj

_SELECTOR = "matchExpressions:LabelSelectorRequirement matchLabels"
_TERMS = (
    "preferredDuringSchedulingIgnoredDuringExecution:{}"
    " requiredDuringSchedulingIgnoredDuringExecution:{}"
)
_KEYED = "key name optional"
_ITEMS = "items:KeyToPath name optional"
_SELINUX = "level role type user"
_CONTEXT = (
    "appArmorProfile:AppArmorProfile runAsGroup runAsNonRoot runAsUser"
    " seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile"
    " windowsOptions:WindowsSecurityContextOptions"
)
_HANDLER = "exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction"

_TEXT = {
    # --- pods
    "PodSpec": (
        "affinity:Affinity containers:Container dnsConfig:PodDNSConfig"
        " ephemeralContainers:Container hostAliases:HostAlias imagePullSecrets:LocalObjectReference"
        " initContainers:Container os:PodOS resources:ResourceRequirements"
        " securityContext:PodSecurityContext tolerations:Toleration"
        " topologySpreadConstraints:TopologySpreadConstraint volumes:Volume"
    ),
    "Affinity": "nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity",
    "AppArmorProfile": "localhostProfile type",
    "HostAlias": "hostnames ip",
    "LabelSelector": _SELECTOR,
    "LabelSelectorRequirement": "key operator values",
    "LocalObjectReference": "name",
    "NodeAffinity": _TERMS.format("PreferredSchedulingTerm", "NodeSelector"),
    "NodeSelector": "nodeSelectorTerms:NodeSelectorTerm",
    "NodeSelectorRequirement": "key operator values",
    "NodeSelectorTerm": (
        "matchExpressions:NodeSelectorRequirement matchFields:NodeSelectorRequirement"
    ),
    "PodAffinity": _TERMS.format("WeightedPodAffinityTerm", "PodAffinityTerm"),
    "PodAffinityTerm": "labelSelector:LabelSelector topologyKey",
    "PodAntiAffinity": _TERMS.format("WeightedPodAffinityTerm", "PodAffinityTerm"),
    "PodDNSConfig": "nameservers options:PodDNSConfigOption searches",
    "PodDNSConfigOption": "name value",
    "PodOS": "name",
    "PodSecurityContext": (
        f"{_CONTEXT} fsGroup fsGroupChangePolicy seLinuxChangePolicy supplementalGroups"
        " supplementalGroupsPolicy sysctls:Sysctl"
    ),
    "PreferredSchedulingTerm": "preference:NodeSelectorTerm weight",
    "ResourceRequirements": "limits requests",
    "SELinuxOptions": _SELINUX,
    "SeccompProfile": "localhostProfile type",
    "Sysctl": "name value",
    "Toleration": "effect key operator tolerationSeconds value",
    "TopologySpreadConstraint": (
        "labelSelector:LabelSelector matchLabelKeys maxSkew minDomains nodeAffinityPolicy"
        " nodeTaintsPolicy topologyKey whenUnsatisfiable"
    ),
    "WeightedPodAffinityTerm": "podAffinityTerm:PodAffinityTerm weight",
    "WindowsSecurityContextOptions": (
        "gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName"
    ),
    # --- containers
    "Container": (
        "env:EnvVar envFrom:EnvFromSource lifecycle:Lifecycle livenessProbe:Probe"
        " ports:ContainerPort readinessProbe:Probe resizePolicy:ContainerResizePolicy"
        " resources:ResourceRequirements restartPolicyRules:ContainerRestartRule"
        " securityContext:SecurityContext startupProbe:Probe volumeDevices:VolumeDevice"
        " volumeMounts:VolumeMount"
    ),
    "Capabilities": "add drop",
    "ConfigMapEnvSource": "name optional",
    "ConfigMapKeySelector": _KEYED,
    "ContainerPort": "containerPort hostIP hostPort name protocol",
    "ContainerResizePolicy": "resourceName restartPolicy",
    "ContainerRestartRule": "action exitCodes:ContainerRestartRuleOnExitCodes",
    "ContainerRestartRuleOnExitCodes": "operator values",
    "EnvFromSource": "configMapRef:ConfigMapEnvSource prefix secretRef:SecretEnvSource",
    "EnvVar": "name value valueFrom:EnvVarSource",
    "EnvVarSource": (
        "configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector"
        " resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector"
    ),
    "ExecAction": "command",
    "GRPCAction": "port service",
    "HTTPGetAction": "host httpHeaders:HTTPHeader path port scheme",
    "HTTPHeader": "name value",
    "Lifecycle": "postStart:LifecycleHandler preStop:LifecycleHandler stopSignal",
    "LifecycleHandler": f"{_HANDLER} sleep:SleepAction",
    "ObjectFieldSelector": "apiVersion fieldPath",
    "Probe": (
        f"{_HANDLER} failureThreshold grpc:GRPCAction initialDelaySeconds periodSeconds"
        " successThreshold terminationGracePeriodSeconds timeoutSeconds"
    ),
    "ResourceFieldSelector": "containerName divisor resource",
    "SecretEnvSource": "name optional",
    "SecretKeySelector": _KEYED,
    "SecurityContext": (
        f"{_CONTEXT} allowPrivilegeEscalation capabilities:Capabilities privileged procMount"
        " readOnlyRootFilesystem"
    ),
    "SleepAction": "seconds",
    "TCPSocketAction": "host port",
    "VolumeDevice": "devicePath name",
    "VolumeMount": (
        "mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr"
    ),
    # --- volumes
    "Volume": (
        "configMap:ConfigMapVolumeSource downwardAPI:DownwardAPIVolumeSource"
        " emptyDir:EmptyDirVolumeSource hostPath:HostPathVolumeSource"
        " persistentVolumeClaim:PersistentVolumeClaimVolumeSource projected:ProjectedVolumeSource"
        " secret:SecretVolumeSource"
    ),
    "ConfigMapProjection": _ITEMS,
    "ConfigMapVolumeSource": f"{_ITEMS} defaultMode",
    "DownwardAPIProjection": "items:DownwardAPIVolumeFile",
    "DownwardAPIVolumeFile": (
        "fieldRef:ObjectFieldSelector mode path resourceFieldRef:ResourceFieldSelector"
    ),
    "DownwardAPIVolumeSource": "defaultMode items:DownwardAPIVolumeFile",
    "EmptyDirVolumeSource": "medium sizeLimit",
    "HostPathVolumeSource": "path type",
    "KeyToPath": "key mode path",
    "PersistentVolumeClaimVolumeSource": "claimName readOnly",
    "ProjectedVolumeSource": "defaultMode sources:VolumeProjection",
    "SecretProjection": _ITEMS,
    "SecretVolumeSource": "defaultMode items:KeyToPath optional secretName",
    "VolumeProjection": (
        "configMap:ConfigMapProjection downwardAPI:DownwardAPIProjection secret:SecretProjection"
    ),
    # --- services, claims, ingresses, budgets
    "ServiceSpec": "ports:ServicePort sessionAffinityConfig:SessionAffinityConfig",
    "ClientIPConfig": "timeoutSeconds",
    "ServicePort": "appProtocol name nodePort port protocol targetPort",
    "SessionAffinityConfig": "clientIP:ClientIPConfig",
    "PersistentVolumeClaimSpec": (
        "dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference"
        " resources:VolumeResourceRequirements"
    ),
    "TypedLocalObjectReference": "kind name",
    "TypedObjectReference": "kind name",
    "VolumeResourceRequirements": "limits requests",
    "IngressSpec": "rules:IngressRule tls:IngressTLS",
    "HTTPIngressPath": "backend:IngressBackend path pathType",
    "HTTPIngressRuleValue": "paths:HTTPIngressPath",
    "IngressBackend": "service:IngressServiceBackend",
    "IngressRule": "host http:HTTPIngressRuleValue",
    "IngressServiceBackend": "name port:ServiceBackendPort",
    "IngressTLS": "hosts secretName",
    "ServiceBackendPort": "name number",
    "PodDisruptionBudgetSpec": "selector:LabelSelector",
}
SHAPES: dict[str, dict[str, str]] = {
    kind: {field: shape for field, _, shape in (word.partition(":") for word in text.split())}
    for kind, text in _TEXT.items()
}
"""Type → field → the type of its value; empty for what has no fields of its own. Of the types whose
own fields a table of verdicts judges, only those that hold others."""

JUDGED = ("PodSpec", "Container", "Volume")
"""Of these, and of the specs by whose name `check` is called, tables of verdicts know the rest."""

_OWNERS = ("DownwardAPIVolumeFile", "KeyToPath")
_OWNERS_BY_DEFAULT = (
    *("ConfigMapVolumeSource", "DownwardAPIVolumeSource"),
    *("ProjectedVolumeSource", "SecretVolumeSource"),
)

NOT_OFFERED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_OWNERS, ("user",)),  # alpha in 1.37
    **dict.fromkeys(_OWNERS_BY_DEFAULT, ("defaultUser",)),  # alpha in 1.37
    "EmptyDirVolumeSource": ("mode",),  # alpha in 1.37
    "EnvVarSource": ("fileKeyRef",),  # alpha in 1.34
    "GRPCAction": ("mode",),  # alpha in 1.37
    "HTTPGetAction": ("protocol",),  # alpha in 1.37
    "IngressBackend": ("resource", "serviceName", "servicePort"),  # threats D5; v1beta1's other way
    "PodAffinityTerm": (
        *("matchLabelKeys", "mismatchLabelKeys"),  # the API server has merged both
        *("namespaceSelector", "namespaces"),  # all our pods stand in one namespace
    ),
    "ResourceRequirements": ("claims",),  # they reach devices of the host (threats A8)
    "TypedLocalObjectReference": ("apiGroup",),  # only claims are named (threats F3)
    "TypedObjectReference": ("apiGroup", "namespace"),  # only claims beside it (threats D6)
    "VolumeMount": ("bindMountOptions",),  # alpha in 1.37
    "VolumeProjection": (
        *("clusterTrustBundle", "podCertificate"),  # the host's, not the tenant's (threats B2)
        "serviceAccountToken",  # becomes a Secret
    ),
    "VolumeResourceRequirements": ("claims",),  # 1.26 to 1.28: a claim had a container's type
}
"""Known fields that no host object has, and why."""


def check(spec: Obj, shape: str) -> Obj:
    """Return a host object's spec; raise Refused for a field that is not known, at any depth."""
    for path in _unknown(spec, shape, "spec"):
        raise Refused(
            "FieldRefused", f"{path} is not known to this syncer in a virtual cluster: remove it"
        )
    return spec


def _unknown(value: Any, shape: str, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unknown(each, shape, f"{where}[{index}]")
    elif isinstance(value, dict):
        known = SHAPES[shape]
        for field, inner in value.items():
            if field in known:
                if known[field]:
                    yield from _unknown(inner, known[field], f"{where}.{field}")
            elif shape not in JUDGED and where != "spec" and inner is not None:
                yield f"{where}.{field}"
