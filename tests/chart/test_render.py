"""The chart through Helm itself: every preset and every user's values render, lint and package.

Needs `helm` on PATH (`scripts/lab tools` says where the lab's is).
"""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.rendering import CHART, helm, template

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "tests" / "chart" / "seeds").iterdir())
PRESETS = sorted((CHART / "values").iterdir())
SCENARIOS = sorted((CHART / "ci").iterdir())
HOSTS = ["v1.16.13", "v1.18.6", "v1.25.16", "v1.34.4", "v1.35.5-gke.100"]


def _k3s(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (control_plane,) = [each for each in documents if each["kind"] == "StatefulSet"]
    container: dict[str, Any] = control_plane["spec"]["template"]["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "values", [*SEEDS, *PRESETS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_values_render_on_every_host(values: Path, host: str) -> None:
    given = yaml.safe_load(values.read_text())["virtualCluster"]
    container = _k3s(template(host, f"--values={values}"))
    assert container["image"] == given["image"]
    words = given.get("baseArgs", ["server"]) + given.get("extraArgs", [])
    assert [word for word in words if word not in container["args"]] == []


@pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem)
def test_scenario_of_chart_testing_lints(values: Path) -> None:
    result = helm("lint", "--strict", "--kube-version=v1.34.4", f"--values={values}", CHART)
    assert result.returncode == 0, result.stdout
    assert "[INFO] Fail" not in result.stderr


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_host_takes_the_preset_of_its_version(preset: Path) -> None:
    image = yaml.safe_load(preset.read_text())["virtualCluster"]["image"]
    assert _k3s(template(f"v{preset.stem}.3-eks-1234567"))["image"] == image


@pytest.mark.parametrize(
    ("host", "there"), [("v1.16.13", False), ("v1.26.9", False), ("v1.27.0", True)]
)
def test_no_hook_is_waited_for_that_helm_never_sees_end(host: str, there: bool) -> None:  # noqa: FBT001
    """This Helm asks for watch lists, of which servers before 1.27 have never heard."""
    documents = template(host, "--set=virtualCluster.image=rancher/k3s:v1.34.4-k3s1")
    hooks = [d for d in documents if "helm.sh/hook" in (d["metadata"].get("annotations") or {})]
    assert bool(hooks) == there


def test_lint_is_content_without_a_preset_for_its_host() -> None:
    """`helm lint` has a Kubernetes version of its own, perhaps one without a preset."""
    assert helm("lint", "--strict", "--kube-version=v1.25.0", CHART).returncode == 0


INSTEAD = {"networking.k8s.io/v1 NetworkPolicy vc-link-local"}
"""What is not made with `networkPolicy.enabled`, which says more."""
BY_DEFAULT = INSTEAD | {
    "v1 ConfigMap vc-anchor",
    "v1 PersistentVolumeClaim vc-data",
    "v1 Pod vc-preflight",
    "rbac.authorization.k8s.io/v1 Role vc",
    "rbac.authorization.k8s.io/v1 Role vc-preflight",
    "rbac.authorization.k8s.io/v1 RoleBinding vc",
    "rbac.authorization.k8s.io/v1 RoleBinding vc-preflight",
    "v1 Service vc",
    "v1 Service vc-headless",
    "v1 ServiceAccount vc",
    "v1 ServiceAccount vc-preflight",
    "v1 ServiceAccount vc-workload",
    "apps/v1 StatefulSet vc",
}
BY_VALUE = {
    "networking.k8s.io/v1 Ingress vc",
    "v1 LimitRange vc",
    "networking.k8s.io/v1 NetworkPolicy vc-control-plane",
    "networking.k8s.io/v1 NetworkPolicy vc-workloads",
    "policy/v1 PodDisruptionBudget vc",
    "v1 ResourceQuota vc",
}
# Ingress and PodDisruptionBudget as they were; a token; no check, since Helm would wait for it.
ON_OLD_HOSTS = {
    name.replace("networking.k8s.io/v1 Ing", "networking.k8s.io/v1beta1 Ing").replace(
        "policy/v1 ", "policy/v1beta1 "
    )
    for name in (BY_DEFAULT | BY_VALUE | {"v1 Secret vc-token"}) - INSTEAD
    if "preflight" not in name
}
EVERYTHING = [
    "--set=ingress.enabled=true,ingress.host=api.example,networkPolicy.enabled=true",
    "--set=resourceQuota.enabled=true,limitRange.enabled=true,podDisruptionBudget.enabled=true",
    "--set=sync.endpoints.enabled=true,sync.pods.ephemeralContainers=true",
]


@pytest.mark.parametrize(
    ("host", "args", "objects"),
    [
        ("v1.34.4", [], BY_DEFAULT),
        ("v1.34.4", EVERYTHING, (BY_DEFAULT | BY_VALUE) - INSTEAD),
        ("v1.18.6", EVERYTHING, ON_OLD_HOSTS),
    ],
)
def test_makes_these_objects_all_in_the_namespace(
    host: str, args: list[str], objects: set[str]
) -> None:
    documents = template(host, *args)
    made = {f"{each['apiVersion']} {each['kind']} {each['metadata']['name']}" for each in documents}
    assert made == objects
    assert {each["metadata"]["namespace"] for each in documents} == {"team-x"}


def test_package_has_what_the_templates_read_and_no_more(tmp_path: Path) -> None:
    result = helm("package", CHART, "--destination", tmp_path)
    assert result.returncode == 0, result.stderr
    (package,) = tmp_path.iterdir()
    with tarfile.open(fileobj=io.BytesIO(package.read_bytes())) as archive:
        names = {name.removeprefix("virtualcluster/") for name in archive.getnames()}
    assert {f"values/{preset.name}" for preset in PRESETS} <= names
    assert {"files/k3s-args.yaml", "files/rights.yaml", "values.schema.json"} <= names
    assert not {name for name in names if name.startswith(("ci/", "tests/"))}
    assert helm("template", "vc", package, "--kube-version=v1.34.4").returncode == 0
