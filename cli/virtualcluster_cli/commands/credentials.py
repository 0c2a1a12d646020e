"""`kubeconfig`: one to take along, for a person or a CI job."""

from __future__ import annotations

import re
import sys
from typing import Any

import click
import yaml

from virtualcluster_cli import inside
from virtualcluster_cli.api import Absent, Api
from virtualcluster_cli.errors import NotFound, Trouble
from virtualcluster_cli.installations import Installation, admin_kubeconfig
from virtualcluster_cli.options import Host, examples, host_options, name_argument

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST = 600  # the API's own limit


class Ttl(click.ParamType[int]):
    """A duration, such as 90m or 1h, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds, or fail."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+)([smhd])", value)
        if not found:
            self.fail(f"{value!r} is not a duration: use 30m, 1h or 7d", param, ctx)
        seconds = int(found[1]) * SECONDS[found[2]]
        if seconds < SHORTEST:
            self.fail(f"{value} is too short: the API issues tokens for at least 10m", param, ctx)
        return seconds


@examples(
    "virtualcluster kubeconfig dev --service-account ci --ttl 1h > ci.kubeconfig",
    "virtualcluster kubeconfig dev --service-account build:ci --server https://dev.example.com",
    "virtualcluster kubeconfig dev --in-cluster          # the administrator's, for host pods",
)
@click.command()
@name_argument
@click.option(
    "--service-account",
    "account",
    default="",
    metavar="[NAMESPACE:]NAME",
    help="Use a token of this service account.  [default: the administrator's certificate]",
)
@click.option("--ttl", type=Ttl(), default="1h", show_default=True, help="Lifetime of the token.")
@click.option("--server", default="", help="Address of the API server.  [default: as exposed]")
@click.option("--in-cluster", is_flag=True, help="Use the Service, for pods of the host.")
@host_options
def kubeconfig(
    host: Host, name: str, account: str, ttl: int, server: str, *, in_cluster: bool
) -> None:
    """Print a kubeconfig for the virtual cluster NAME.

    The address is that of the chart's Ingress or load balancer, if there is one, and otherwise that
    of the Service, which only pods of the host reach.
    """
    which = host.one(name)
    config = admin_kubeconfig(host.api, which)
    address = server or ("" if in_cluster else _exposed(host.api, which))
    if not address:
        address = f"https://{which.name}.{which.namespace}.svc"
        if not in_cluster:
            click.echo(
                f"note: {name} is not exposed outside of its host: only pods of the host reach"
                f" {address}; expose it with ingress.enabled or service.type, or pass --server",
                err=True,
            )
    elif not re.match(r"https://[^/\s]+", address):
        raise Trouble(
            f"{address!r} is not the address of an API server", "write https://host[:port]"
        )
    config["clusters"][0]["cluster"]["server"] = address
    if account:
        namespace, _, short = account.rpartition(":")
        namespace = namespace or "default"
        with inside.api(host.api, host.access, which) as virt:
            token = _token(virt, namespace, short, ttl)
        config["users"][0]["user"] = {"token": token}
        config["contexts"][0]["context"]["namespace"] = namespace
    yaml.safe_dump(config, sys.stdout, sort_keys=False)


def _token(virt: Api, namespace: str, name: str, ttl: int) -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
    if virt.find(path) is None:
        raise NotFound(
            f"{virt.name} has no service account {name!r} in namespace {namespace}",
            f"kubectl create serviceaccount {name} -n {namespace}, inside, and give it rights",
        )
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": ttl},
    }
    try:
        return str(virt.json("POST", f"{path}/token", request)["status"]["token"])
    except Absent:
        raise Trouble(
            f"{virt.name} issues no tokens that expire (Kubernetes before 1.20, no TokenRequest)",
            "use a newer version inside",
        ) from None


def _exposed(host: Api, which: Installation) -> str:
    """Return the address under which the chart exposes it; empty when it does not."""
    within = f"namespaces/{which.namespace}"
    for version in ("v1", "v1beta1"):
        path = f"/apis/networking.k8s.io/{version}/{within}/ingresses/{which.name}"
        ingress = host.find(path)
        for rule in ((ingress or {}).get("spec") or {}).get("rules") or ():
            if rule.get("host"):
                return f"https://{rule['host']}"
    service = host.find(f"/api/v1/{within}/services/{which.name}") or {}
    for each in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        address = each.get("hostname") or each.get("ip")
        if address:
            return f"https://{address}"
    return ""
