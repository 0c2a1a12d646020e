"""An admission webhook that answers whatever its URL says, as badly as a tenant's may."""

from __future__ import annotations

import base64

from tests.e2e import manifests
from tests.e2e.certificates import Serving
from tests.e2e.cluster import Obj

NAME = "answering"
PORT = 8443
# /CODE denies with that status; /slow answers too late, /broken with what is no answer at all.
SERVER = f"""
import http.server, json, ssl, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        how = self.path.partition("?")[0].strip("/")
        if how == "slow":
            time.sleep(3)
        code = int(how) if how.isdigit() else 403
        status = dict(code=code, reason="NotFound" if code == 404 else "", message="no",
                      details=dict(retryAfterSeconds=3600))
        answer = dict(uid=asked["request"]["uid"], allowed=False, status=status)
        body = json.dumps(dict(apiVersion=asked["apiVersion"], kind=asked["kind"],
                               response=answer)).encode()
        if how == "broken":
            body = body[:20]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server = http.server.ThreadingHTTPServer(("", {PORT}), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"""


def server(namespace: str, serving: Serving) -> list[Obj]:
    """Return the pod that answers, and what it needs."""
    container = manifests.container(
        manifests.PYTHON,
        ["python3", "-c", SERVER],
        volumeMounts=[{"name": "tls", "mountPath": "/tls"}],
        readinessProbe={"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    )
    tls = {"tls.crt": serving.certificate, "tls.key": serving.key}
    return [
        manifests.secret("tls", namespace, **tls),
        manifests.service(NAME, namespace, PORT, PORT),
        manifests.pod(
            NAME,
            namespace,
            container,
            labels={"app": NAME},
            volumes=[{"name": "tls", "secret": {"secretName": "tls"}}],
        ),
    ]


def webhooks(name: str, namespace: str, ways: tuple[str, ...], serving: Serving) -> Obj:
    """Return a webhook for each way to answer, asked about status updates of pods met=<way>."""
    ca = base64.b64encode(serving.certificate.encode()).decode()
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods/status"],
        "operations": ["UPDATE"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": f"answers-{way}.example.com",
                "clientConfig": {
                    "service": {
                        "name": NAME,
                        "namespace": namespace,
                        "path": f"/{way}",
                        "port": PORT,
                    },
                    "caBundle": ca,
                },
                "rules": [rule],
                "objectSelector": {"matchLabels": {"met": way}},
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 1,
                "admissionReviewVersions": ["v1"],
            }
            for way in ways
        ],
    }
