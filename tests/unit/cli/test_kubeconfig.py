"""`kubeconfig`: whose, and by which address."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.cli.conftest import Run
from tests.unit.cli.fakes import Served

pytestmark = pytest.mark.usefixtures("dev")


def printed(cli: Run, *args: str) -> dict[str, Any]:
    done = cli("kubeconfig", "dev", *args)
    assert done.exit_code == 0, done.output
    content: dict[str, Any] = yaml.safe_load(done.stdout)
    return content


def server(content: dict[str, Any]) -> str:
    return str(content["clusters"][0]["cluster"]["server"])


def test_a_service_accounts(cli: Run, virt: Served) -> None:
    virt.create("serviceaccounts", "build", metadata={"name": "ci"})
    content = printed(cli, "--service-account", "build:ci", "--ttl", "2h")
    assert content["users"] == [{"name": "dev", "user": {"token": "token-1"}}]
    assert content["contexts"][0]["context"]["namespace"] == "build"
    (asked,) = virt.api.made("POST", "serviceaccounts/token")
    assert asked.body["spec"] == {"expirationSeconds": 7200}


def test_the_administrators(cli: Run) -> None:
    assert "client-certificate-data" in printed(cli)["users"][0]["user"]


def test_its_service_where_nothing_exposes_it(cli: Run) -> None:
    done = cli("kubeconfig", "dev")
    assert server(yaml.safe_load(done.stdout)) == "https://dev.team-x.svc"
    assert "is not exposed" in done.stderr
    assert cli("kubeconfig", "dev", "--in-cluster").stderr == ""


def test_its_ingress(cli: Run, host: Served) -> None:
    spec = {"rules": [{"host": "dev.example.com"}]}
    host.create("ingresses", "team-x", metadata={"name": "dev"}, spec=spec)
    assert server(printed(cli)) == "https://dev.example.com"
    assert server(printed(cli, "--in-cluster")) == "https://dev.team-x.svc"
    assert server(printed(cli, "--server", "https://other:8443")) == "https://other:8443"


def test_its_load_balancer(cli: Run, host: Served) -> None:
    made = host.create(
        "services", "team-x", metadata={"name": "dev"}, spec={"ports": [{"port": 443}]}
    )
    made["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    assert server(printed(cli)) == "https://192.0.2.7"
