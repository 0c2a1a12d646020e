"""What extends an API server from pods: webhooks, a conversion, an aggregated API.

All of it is one pod behind one Service, with a port for each server.
"""

from __future__ import annotations

import base64

from tests.e2e import manifests
from tests.e2e.certificates import Serving
from tests.e2e.cluster import Obj

NAME = "extension"
ADMISSION, CONVERSION, AGGREGATED = 8443, 9443, 7443  # ports of the pod and of the Service alike
GROUP = "who.example.com"
# Serves one resource of one group. Its only object is named like whoever asks, by the word of the
# API server, whose certificate is demanded.
SERVER = f"""
import http.server, json, ssl
ROOT = "/apis/{GROUP}/v1"
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path = self.path.partition("?")[0]
        user = self.headers.get("X-Remote-User", "")
        verbs = ["get", "list"]
        kind = dict(name="callers", singularName="caller", namespaced=True, kind="Caller",
                    verbs=verbs)
        answer = {{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}}
        if path == ROOT:
            answer = dict(kind="APIResourceList", apiVersion="v1", groupVersion="{GROUP}/v1",
                          resources=[kind])
        elif path.startswith(ROOT + "/namespaces/") and path.endswith("/callers"):
            meta = dict(name=user.replace(":", "."), namespace=path.split("/")[-2])
            item = dict(kind="Caller", apiVersion="{GROUP}/v1", metadata=meta)
            answer = dict(kind="CallerList", apiVersion="{GROUP}/v1", metadata={{}}, items=[item])
        body = json.dumps(answer).encode()
        self.send_response(answer.get("code", 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
context.load_verify_locations("/tls/proxy.crt")
context.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(("", {AGGREGATED}), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"""


def servers(namespace: str, serving: Serving, proxy_ca: str) -> list[Obj]:
    """Return the pod with all servers, and what it needs; `proxy_ca` signs the API server."""
    keys = ("--tls-cert-file=/tls/tls.crt", "--tls-private-key-file=/tls/tls.key")
    tls = {
        "tls.crt": serving.certificate,
        "tls.key": serving.key,
        "proxy.crt": proxy_ca,
    }
    containers = [
        _server("admission", manifests.AGNHOST, ADMISSION, ["/agnhost", "webhook", *keys]),
        _server(
            "conversion",
            manifests.AGNHOST,
            CONVERSION,
            ["/agnhost", "crd-conversion-webhook", *keys],
        ),
        _server("aggregated", manifests.PYTHON, AGGREGATED, ["python3", "-c", SERVER]),
    ]
    ports = [
        {"name": each["name"], "port": port, "targetPort": port}
        for each, port in zip(containers, (ADMISSION, CONVERSION, AGGREGATED), strict=True)
    ]
    return [
        manifests.secret("tls", namespace, **tls),
        manifests.service(NAME, namespace, ports=ports),
        manifests.pod(
            NAME,
            namespace,
            *containers,
            labels={"app": NAME},
            volumes=[{"name": "tls", "secret": {"secretName": "tls"}}],
        ),
    ]


def _server(name: str, image: str, port: int, command: list[str]) -> Obj:
    flag = [f"--port={port}"] if command[0] == "/agnhost" else []
    return manifests.container(
        image,
        [*command, *flag],
        name,
        volumeMounts=[{"name": "tls", "mountPath": "/tls"}],
        readinessProbe={"tcpSocket": {"port": port}, "periodSeconds": 1},
    )


def webhook(kind: str, namespace: str, path: str, serving: Serving) -> Obj:
    """Return a webhook for the ConfigMaps that are made in the namespace."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": f"{namespace}-{kind.lower()}"},
        "webhooks": [
            {
                "name": f"{kind.lower()}.example.com",
                "clientConfig": _client(namespace, path, ADMISSION, serving),
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "resources": ["configmaps"],
                        "operations": ["CREATE"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "objectSelector": {"matchLabels": {"checked": "yes"}},
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 5,
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


def definition(namespace: str, serving: Serving) -> Obj:
    """Return a CRD of two versions that the pod converts between: hostPort, and host with port."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    conversion = {
        "clientConfig": _client(namespace, "/crdconvert", CONVERSION, serving),
        "conversionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "places.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": "places", "singular": "place", "kind": "Place"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": schema},
                {"name": "v2", "served": True, "storage": False, "schema": schema},
            ],
            "conversion": {"strategy": "Webhook", "webhook": conversion},
        },
    }


def aggregated(namespace: str, serving: Serving) -> Obj:
    """Return the APIService of the aggregated API."""
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": NAME, "namespace": namespace, "port": AGGREGATED},
            "caBundle": base64.b64encode(serving.certificate.encode()).decode(),
        },
    }


def _client(namespace: str, path: str, port: int, serving: Serving) -> Obj:
    return {
        "service": {"name": NAME, "namespace": namespace, "path": path, "port": port},
        "caBundle": base64.b64encode(serving.certificate.encode()).decode(),
    }
