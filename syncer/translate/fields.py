"""The verdict on every field of the specs that reach the host, and how a verdict is applied.

COPY    the host gets the value as it is
MAP     the host gets what a translate function made of it
DROP    the host gets nothing; the reason stands beside the field
REFUSE  any value but an empty one keeps the object off the host
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from syncer.errors import Refused
from syncer.objects import Obj


class Verdict(Enum):
    """What becomes of a field on its way to the host."""

    COPY = "copy"
    MAP = "map"
    DROP = "drop"
    REFUSE = "refuse"


COPY, MAP, DROP, REFUSE = Verdict.COPY, Verdict.MAP, Verdict.DROP, Verdict.REFUSE

POD_SPEC: dict[str, Verdict] = {
    "activeDeadlineSeconds": COPY,
    "affinity": MAP,  # labels under the host's keys, among the virtual cluster's own pods
    "automountServiceAccountToken": MAP,  # always false: the host's token is not the tenant's
    "containers": MAP,  # each field by field, as below
    "dnsConfig": MAP,  # the nameserver is the virtual cluster's
    "dnsPolicy": MAP,  # None: dnsConfig says what the virtual cluster's would
    "enableServiceLinks": MAP,  # always false: they would name the host's services
    "ephemeralContainers": DROP,  # a subresource of its own, never part of a create
    "evictionResponders": REFUSE,  # alpha in 1.37; they would answer for the host's own drains
    "hostAliases": COPY,
    "hostIPC": COPY,  # Pod Security judges the final pod
    "hostNetwork": COPY,  # Pod Security judges the final pod
    "hostPID": COPY,  # Pod Security judges the final pod
    "hostUsers": COPY,
    "hostname": COPY,
    "hostnameOverride": REFUSE,  # alpha in 1.34, stable in 1.37: not offered yet
    "imagePullSecrets": MAP,  # names of the twins
    "initContainers": MAP,  # each field by field, as below
    "nodeName": MAP,  # an affinity: the host's scheduler is never passed by (threats A9)
    "nodeSelector": MAP,  # none where the virtual cluster's own scheduler has obeyed it
    "os": COPY,
    "overhead": DROP,  # the host's RuntimeClass admission fills it in
    "preemptionPolicy": DROP,  # nobody else's pods are pushed off their nodes (threats A11)
    "priority": DROP,  # follows from the class
    "priorityClassName": MAP,  # only the host's own (threats A11)
    "readinessGates": DROP,  # their conditions live on the virtual pod; see status.py
    "resourceClaims": REFUSE,  # they reach devices of the host (threats A8)
    "resources": COPY,
    "restartPolicy": COPY,
    "runtimeClassName": MAP,  # only the host's own; others are refused (threats A12)
    "schedulerName": DROP,  # the host's own scheduler places all pods
    "schedulingGroup": REFUSE,  # alpha in 1.36
    "schedulingGates": MAP,  # the pod reaches the host when its last gate is gone
    "securityContext": COPY,  # Pod Security judges the final pod
    "serviceAccount": MAP,  # always the one without rights
    "serviceAccountName": MAP,  # always the one without rights
    "setHostnameAsFQDN": COPY,
    "shareProcessNamespace": COPY,
    "subdomain": DROP,  # names pods by a Service, which on the host has another name; hostsfile.py
    "terminationGracePeriodSeconds": MAP,  # an hour at most (threats J2)
    "tolerations": MAP,  # those of node.kubernetes.io/* only (threats A10)
    "topologySpreadConstraints": MAP,  # labels under the host's keys
    "volumes": MAP,  # each by its type, as below
    "workloadRef": REFUSE,  # alpha in 1.35
}

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

VOLUME: dict[str, Verdict] = {
    "name": COPY,
    "configMap": MAP,  # the name of the twin
    "downwardAPI": MAP,  # what the virtual pod would say
    "emptyDir": COPY,
    "ephemeral": MAP,  # the twin of the claim that the virtual cluster makes
    "hostPath": COPY,  # Pod Security judges the final pod: privileged only (threats A1)
    "persistentVolumeClaim": MAP,  # the name of the twin
    "projected": MAP,  # names of the twins; tokens are those of the virtual API
    "secret": MAP,  # the name of the twin
    **dict.fromkeys(  # it leads out of the namespace (threats A1, A4, A5)
        [
            "awsElasticBlockStore",
            "azureDisk",
            "azureFile",
            "cephfs",
            "cinder",
            "csi",
            "fc",
            "flexVolume",
            "flocker",
            "gcePersistentDisk",
            "gitRepo",
            "glusterfs",
            "image",
            "iscsi",
            "nfs",
            "photonPersistentDisk",
            "portworxVolume",
            "quobyte",
            "rbd",
            "scaleIO",
            "storageos",
            "vsphereVolume",
        ],
        REFUSE,
    ),
}

SERVICE_SPEC: dict[str, Verdict] = {
    "allocateLoadBalancerNodePorts": COPY,
    "clusterIP": MAP,  # the same on both sides; the host decides
    "clusterIPs": DROP,  # follows from clusterIP
    "externalIPs": DROP,  # would catch anybody's traffic (threats E1)
    "externalName": DROP,  # such a Service stays virtual
    "externalTrafficPolicy": MAP,  # only types that the host opens to the outside may have one
    "healthCheckNodePort": DROP,  # the host gives one
    "internalTrafficPolicy": COPY,
    "ipFamilies": DROP,  # the host's own decide
    "ipFamily": DROP,  # of 1.16 to 1.19
    "ipFamilyPolicy": DROP,  # the host's own decide
    "loadBalancerClass": DROP,  # the host operator's choice
    "loadBalancerIP": DROP,  # the host operator's choice
    "loadBalancerSourceRanges": COPY,
    "ports": MAP,  # node ports as the host gives them
    "publishNotReadyAddresses": COPY,
    "selector": MAP,  # labels under the host's keys, among the virtual cluster's own pods
    "sessionAffinity": COPY,
    "sessionAffinityConfig": COPY,
    "topologyKeys": DROP,  # gone since 1.22
    "trafficDistribution": COPY,
    "type": COPY,
}

CLAIM_SPEC: dict[str, Verdict] = {
    "accessModes": COPY,
    "dataSource": MAP,  # the twin of a claim of the same namespace
    "dataSourceRef": MAP,  # the twin of a claim of the same namespace
    "resources": COPY,
    "selector": DROP,  # would pick somebody's volume (threats F2)
    "storageClassName": COPY,
    "volumeAttributesClassName": REFUSE,  # it is the host operator's choice (threats F4)
    "volumeMode": COPY,
    "volumeName": DROP,  # would take somebody's volume (threats F2)
}

BUDGET_SPEC: dict[str, Verdict] = {
    "maxUnavailable": DROP,  # as minAvailable: counts against a controller that the host has not
    "minAvailable": MAP,  # the number that the virtual cluster's controller made of both
    "selector": MAP,  # labels under the host's keys
    "unhealthyPodEvictionPolicy": COPY,
}

INGRESS_SPEC: dict[str, Verdict] = {
    "backend": REFUSE,  # v1beta1's defaultBackend
    "defaultBackend": REFUSE,  # would take every unclaimed host (threats E4)
    "ingressClassName": COPY,
    "rules": MAP,  # backends are the twins of the services
    "tls": MAP,  # names of the twins of the Secrets
}


def apply(table: dict[str, Verdict], source: Obj, mapped: Obj, *, where: str) -> Obj:
    """Return the host's form of `source`.

    `mapped` holds the values that the MAP fields become; a MAP field that is not in it is left out.
    Raises Refused for a field of verdict REFUSE that is set and for one without a verdict.
    """
    result: Obj = {}
    for name, value in source.items():
        verdict = table.get(name)
        if verdict is COPY:
            result[name] = value
        elif (verdict is None or verdict is REFUSE) and not _empty(value):
            why = "is not offered" if verdict is REFUSE else "is not known to this syncer"
            raise Refused("FieldRefused", f"{where}.{name} {why} in a virtual cluster: remove it")
    result.update({name: value for name, value in mapped.items() if value is not None})
    return result


def _empty(value: Any) -> bool:
    """Tell whether a field is as good as not there; `{}` is not: `gitRepo: {}` is a volume."""
    return value is None or value is False or value in ("", [])
