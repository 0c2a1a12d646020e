"""What helm says, in one line with a cure. The texts are those of helm 3.20 and of our chart."""

from __future__ import annotations

import pytest

from virtualcluster_cli.helm import trouble

SCHEMA = """\
Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the following \
chart(s):
virtualcluster:
- at '/storage': additional properties 'sise' not allowed
- at '/service/type': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'
"""
CHART = """\
Error: INSTALLATION FAILED: execution error at (virtualcluster/templates/statefulset.yaml:1:4): \


storage.keep needs storage.persistence: an emptyDir cannot be kept
"""
PREFLIGHT = """Error: INSTALLATION FAILED: failed pre-install: 1 error occurred:
\t* pod virtualcluster/dev-preflight failed
{"error": "the host has no default StorageClass: set storage.className to one of \\"fast\\"", \
"event": "stopped"}
"""
RIGHT = """\
Error: INSTALLATION FAILED: failed to create resource: roles.rbac.authorization.k8s.io is \
forbidden: User "eve" cannot create resource "roles" in API group "rbac.authorization.k8s.io" in \
the namespace "team-x"
"""
CLUSTER = """\
Error: INSTALLATION FAILED: failed to create resource: clusterroles is forbidden: User "eve" \
cannot create resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope
"""
TAKEN = """Error: INSTALLATION FAILED: Unable to continue with install: Service "dev" in namespace \
"team-x" exists and cannot be imported into the current release: invalid ownership metadata
"""


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (SCHEMA, 1, ["additional properties 'sise' not allowed; at '/service/type'", "README"]),
        (CHART, 1, ["storage.keep needs storage.persistence: an emptyDir cannot be kept"]),
        (PREFLIGHT, 1, ['no default StorageClass: set storage.className to one of "fast"']),
        (
            RIGHT,
            4,
            ["you are not allowed to create roles in namespace team-x", "ClusterRole admin"],
        ),
        (CLUSTER, 4, ["you are not allowed to create clusterroles in the whole cluster", "values"]),
        (TAKEN, 1, ['Service "dev" exists already', "another name"]),
        ('Error: namespaces "team-y" not found', 3, ["kubectl create namespace team-y"]),
        ("Error: open v.yaml: no such file or directory", 3, ["no such file: v.yaml"]),
        (
            "Error: uninstallation completed with 1 error(s): context deadline exceeded",
            6,
            ["timed out waiting", "kubectl get all,pvc"],
        ),
        ("Error: something new", 1, ["helm failed: something new"]),
        ("", 1, ["helm failed: no message"]),
    ],
)
def test_one_line_of_cause_and_cure(said: str, code: int, words: list[str]) -> None:
    found = trouble(said)
    assert found.exit_code == code
    assert "\n" not in found.message
    assert [each for each in words if each not in found.message] == []
