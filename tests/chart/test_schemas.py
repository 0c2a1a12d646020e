"""Every rendered preset against the API of its own Kubernetes version, by kubeconform.

Needs `helm` and `kubeconform` on PATH, as `scripts/test chart` sees to it.
"""

import subprocess
from pathlib import Path

import pytest
import yaml

from tools import schemas

CHART = Path(__file__).parents[2] / "charts" / "virtualcluster"
PRESETS = sorted((CHART / "values").iterdir())
SEEDS = sorted((Path(__file__).parent / "seeds").iterdir())
WIDE = [f"sync.{kind}.enabled=true" for kind in ("nodes", "storageClasses", "persistentVolumes")]
EVERYTHING = [
    *("ingress.enabled=true", "ingress.host=api.example", "networkPolicy.enabled=true"),
    *("resourceQuota.enabled=true", "limitRange.enabled=true", "podDisruptionBudget.enabled=true"),
    *("sync.endpoints.enabled=true", "sync.podDisruptionBudgets.enabled=true"),
    *("virtualCluster.scheduler.enabled=true", *WIDE, "service.type=NodePort"),
]


def _conforms(manifests: str, minor: str) -> subprocess.CompletedProcess[str]:
    where = f"{schemas.directory(minor)}/{schemas.PATTERN}"
    command = ["kubeconform", "-strict", "-summary", "-schema-location", where]
    return subprocess.run(
        command, input=manifests, capture_output=True, text=True, check=False, timeout=60
    )


def _rendered(minor: str, *values: str, file: Path | None = None) -> str:
    version = f"{minor}.0"
    command = ["helm", "template", "vc", str(CHART), "--namespace=team-x"]
    command += [f"--kube-version={version}", *(f"--set={value}" for value in values)]
    command += [f"--values={file}"] if file else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("values", [[], EVERYTHING], ids=["defaults", "everything"])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_rendered_preset_fits_the_api_of_its_version(preset: Path, values: list[str]) -> None:
    rendered = _rendered(preset.stem, *values)
    _assert_valid(rendered, preset.stem)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_values_of_users_fit_the_api_of_their_version(seed: Path) -> None:
    _assert_valid(_rendered(seed.stem, file=seed), seed.stem)


def _assert_valid(rendered: str, minor: str) -> None:
    done = _conforms(rendered, minor)
    assert done.returncode == 0, done.stdout
    made = len([each for each in yaml.safe_load_all(rendered) if each])
    assert f"Valid: {made}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


INGRESS = """
apiVersion: networking.k8s.io/{version}
kind: Ingress
metadata: {{name: web}}
spec:
  rules:
    - host: a.example
      http: {{paths: [{{path: /, {type}backend: {backend}}}]}}
"""
OLD = INGRESS.format(version="v1beta1", type="", backend="{serviceName: web, servicePort: 80}")
NEW = INGRESS.format(
    version="v1",
    type="pathType: Prefix, ",
    backend="{service: {name: web, port: {number: 80}}}",
)
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: web, resources: {limits: {cpu: %s, memory: 1Gi}}}]}
"""


@pytest.mark.parametrize(
    ("manifest", "minor", "complaint"),
    [
        (OLD, "1.16", ""),
        (OLD, "1.34", "could not find schema for Ingress"),
        (NEW, "1.34", ""),
        (NEW, "1.16", "could not find schema for Ingress"),
        (NEW.replace("pathType: Prefix, ", ""), "1.34", "missing property 'pathType'"),
        (NEW.replace("name: web,", "naem: web,"), "1.34", "additional properties 'naem'"),
        (POD % "2", "1.34", ""),
        (POD % "500m", "1.16", ""),
        (POD % "[2]", "1.34", "got array, want string"),
        (POD.replace("v1", "v2") % "2", "1.34", "could not find schema for Pod"),
    ],
)
def test_what_does_not_fit_is_refused(manifest: str, minor: str, complaint: str) -> None:
    done = _conforms(manifest, minor)
    assert done.returncode == (1 if complaint else 0), done.stdout
    assert complaint in done.stdout
