"""Client certificates that a tenant has the virtual cluster sign, as its administrator may."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.cluster import Cluster, Obj
from tests.e2e.waiting import Pending, until

CURRENT, OLD = "certificates.k8s.io/v1", "certificates.k8s.io/v1beta1"
USAGES = ["digital signature", "key encipherment", "client auth"]


def signed(virt: Cluster, request_name: str, common_name: str) -> str:
    """Return a certificate of this name and its key, as one PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    version = CURRENT if virt.serves(CURRENT, "certificatesigningrequests") else OLD
    path = f"/apis/{version}/certificatesigningrequests"
    spec: Obj = {
        "request": base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode(),
        "usages": USAGES,
    }
    if version == CURRENT:
        spec["signerName"] = "kubernetes.io/kube-apiserver-client"
    made = virt.json(
        "POST",
        path,
        {
            "apiVersion": version,
            "kind": "CertificateSigningRequest",
            "metadata": {"name": request_name},
            "spec": spec,
        },
    )
    try:
        approved = {"type": "Approved", "status": "True", "reason": "Test", "message": "a test"}
        made["status"] = {"conditions": [approved]}
        virt.json("PUT", f"{path}/{request_name}/approval", made)

        def certificate() -> str:
            status = virt.json("GET", f"{path}/{request_name}").get("status") or {}
            if "certificate" not in status:
                raise Pending(f"{status}")
            return base64.b64decode(status["certificate"]).decode()

        pem = until("the request is signed", certificate, 30)
    finally:
        virt.request("DELETE", f"{path}/{request_name}")
    return (
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )
