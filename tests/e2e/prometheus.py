"""Debian's Prometheus: it scrapes what a ServiceMonitor says and evaluates a PrometheusRule.

The configuration is the one that the Prometheus operator would make of the two objects, as far as
they go; only faster, and so that alerts fire at once. Debian builds Prometheus without Kubernetes'
service discovery: `targets` finds what that would, with the same labels, and it reads a file.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

import urllib3
import yaml

from tests.e2e.cluster import Cluster, Obj
from tests.e2e.waiting import until

EACH = 1  # second, between two scrapes and between two evaluations


def configuration(monitor: Obj, targets: Path, rules: Path) -> Obj:
    """Return the configuration for what a ServiceMonitor is about."""
    spec, meta = monitor["spec"], monitor["metadata"]
    (endpoint,) = spec["endpoints"]
    keep = [
        {
            "source_labels": [f"__meta_kubernetes_service_label_{_plain(key)}"],
            "regex": value,
            "action": "keep",
        }
        for key, value in spec["selector"]["matchLabels"].items()
    ]
    keep.append(
        {
            "source_labels": ["__meta_kubernetes_endpoint_port_name"],
            "regex": endpoint["port"],
            "action": "keep",
        }
    )
    labels = {"namespace": "namespace", "service": "service_name", "pod": "pod_name"}
    labels |= {"job": "service_name"}
    named = [
        {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": label}
        for label, source in labels.items()
    ]
    job = {
        "job_name": f"serviceMonitor/{meta['namespace']}/{meta['name']}/0",
        "metrics_path": endpoint["path"],
        "file_sd_configs": [{"files": [str(targets)]}],
        "relabel_configs": [*keep, *named],
    }
    every = {"scrape_interval": f"{EACH}s", "evaluation_interval": f"{EACH}s"}
    return {"global": every, "rule_files": [str(rules)], "scrape_configs": [job]}


def targets(api: Cluster, namespaces: list[str]) -> list[Obj]:
    """Return every address of every Service there, labelled as service discovery does."""
    found = []
    for service in (each for name in namespaces for each in api.all("Service", name)):
        meta = service["metadata"]
        of_service = {
            "__meta_kubernetes_namespace": meta["namespace"],
            "__meta_kubernetes_service_name": meta["name"],
            **{
                f"__meta_kubernetes_service_label_{_plain(key)}": value
                for key, value in (meta.get("labels") or {}).items()
            },
        }
        endpoints = api.find("Endpoints", meta["name"], meta["namespace"]) or {}
        for subset in endpoints.get("subsets") or ():
            for address in subset.get("addresses") or ():
                for port in subset.get("ports") or ():
                    labels = {
                        **of_service,
                        "__meta_kubernetes_endpoint_port_name": port.get("name", ""),
                        "__meta_kubernetes_pod_name": address.get("targetRef", {}).get("name", ""),
                    }
                    place = f"{address['ip']}:{port['port']}"
                    found.append({"targets": [place], "labels": labels})
    return found


def at_once(rule: Obj) -> Obj:
    """Return the rules of a PrometheusRule, none of which waits before it fires."""
    groups = [
        {**group, "rules": [{**each, "for": "0s"} for each in group["rules"]]}
        for group in rule["spec"]["groups"]
    ]
    return {"groups": groups}


def _plain(label: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in label)


class Prometheus:
    """One that runs in a directory of its own, on loopback."""

    def __init__(self, monitor: Obj, rule: Obj, api: Cluster, directory: Path) -> None:
        self._directory = directory
        self._api = api
        self._namespaces: list[str] = monitor["spec"]["namespaceSelector"]["matchNames"]
        directory.mkdir(parents=True)
        self._targets = directory / "targets.json"
        rules = directory / "rules.yaml"
        rules.write_text(yaml.safe_dump(at_once(rule)))
        self._config = directory / "prometheus.yaml"
        self._config.write_text(yaml.safe_dump(configuration(monitor, self._targets, rules)))
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._http = urllib3.PoolManager(timeout=30, retries=False)

    def __enter__(self) -> Self:
        """Start it; it answers when this returns."""
        program = shutil.which("prometheus")
        assert program, "no prometheus on PATH: scripts/lab tools --tests"
        self.discover()
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        log = (self._directory / "log").open("wb")
        command = [
            program,
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        until("Prometheus answers", self._answers, 60)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self._directory / "log").read_text()[-2000:])
        try:
            return self._http.request("GET", f"{self._url}/-/ready").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def discover(self) -> None:
        """Tell it where the targets are now."""
        text = json.dumps(targets(self._api, self._namespaces))
        if not self._targets.exists() or self._targets.read_text() != text:
            new = self._targets.with_suffix(".new")  # a name that it does not read
            new.write_text(text)
            new.rename(self._targets)

    def ask(self, path: str, **query: object) -> Any:
        """Return the data of an answer of its API."""
        fields = {name: str(value) for name, value in query.items()}
        answer = self._http.request("GET", f"{self._url}/api/v1/{path}", fields=fields)
        assert answer.status == 200, (fields, answer.data)
        return json.loads(answer.data)["data"]

    def samples(self, query: str) -> list[Obj]:
        """Return what a query gives now: for each series its labels and value."""
        found: list[Obj] = self.ask("query", query=query)["result"]
        return found

    def firing(self) -> set[str]:
        """Return the alerts that fire, of what there is to scrape now."""
        self.discover()
        alerts = self.ask("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}
