"""The host's ingress controller and cert-manager, used from inside: HTTPS with a certificate."""

from __future__ import annotations

import base64
import functools
import ssl
from typing import NamedTuple

import pytest

from tests.e2e import extras, https, manifests
from tests.e2e.certificates import self_signed
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_labelled
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, until


@pytest.fixture(scope="module", autouse=True)
def _extras(host: Side) -> None:
    extras.demand(host, *extras.REQUIRED["test_ingress.py"])


@pytest.fixture(scope="module")
def domain(release: Release) -> str:
    """A domain of this run's own: the controller serves all who use the host."""
    return f"{release.namespace}.test"


@pytest.fixture(scope="module")
def web(virt: Virtual, space: str) -> str:
    """A Deployment behind a Service; the name of its pod, which is what it answers."""
    virt.api.create(
        manifests.deployment("web", space, 1, manifests.web()),
        manifests.service("web", space),
    )
    return str(wait_labelled(virt, space, "app=web", 1)[0]["metadata"]["name"])


def _ingress(name: str, space: str, host: str, secret: str = "", issuer: str = "") -> Obj:
    tls = {"tls": [{"hosts": [host], "secretName": secret}]} if secret else {}
    made = manifests.ingress("web", space, host, ingressClassName="traefik", **tls)
    made["metadata"]["name"] = name
    if issuer:
        made["metadata"]["annotations"] = {"cert-manager.io/cluster-issuer": issuer}
    return made


@pytest.fixture(scope="module")
def secure(virt: Virtual, space: str, domain: str, web: str) -> str:
    """The name of a host with a certificate of the host's cert-manager."""
    assert web
    virt.api.create(_ingress("secure", space, f"secure.{domain}", "secure-tls", "lab-ca"))
    return f"secure.{domain}"


@pytest.fixture(scope="module")
def shown(virt: Virtual, space: str, secure: str) -> dict[str, str]:
    """The Secret that the tenant sees under the name in `spec.tls`, decoded."""
    assert secure

    def there() -> Obj | None:
        return virt.api.find("Secret", "secure-tls", space)

    secret = until("the tenant sees the certificate", there, 60)
    assert secret["type"] == "kubernetes.io/tls"
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


@pytest.fixture(scope="module")
def address(virt: Virtual, space: str, secure: str) -> str:
    """The controller's address, as the status of the virtual Ingress has it."""
    assert secure

    def published() -> str:
        status = virt.api.get("Ingress", "secure", space)["status"]["loadBalancer"]
        return str((status.get("ingress") or [{}])[0].get("ip", ""))

    return until("the virtual Ingress has an address", published, 30)


@pytest.fixture(scope="module")
def lab_ca(host: Side) -> str:
    """The certificate of the host's authority."""
    data = host.api.get("Secret", "lab-ca", "cert-manager")["data"]
    return base64.b64decode(data["tls.crt"]).decode()


def _gone(side: Side, kind: str, name: str, namespace: str) -> bool:
    return side.api.find(kind, name, namespace) is None


def test_https_is_served_with_the_certificate_that_the_tenant_sees(
    address: str, secure: str, lab_ca: str, shown: dict[str, str], web: str
) -> None:
    got = https.wait(address, secure, "/hostname", lab_ca)
    assert got.body == web
    assert ssl.DER_cert_to_PEM_cert(got.certificate) in shown["tls.crt"]
    assert "PRIVATE KEY" in shown["tls.key"]
    assert shown["ca.crt"] == lab_ca


def test_the_certificate_is_for_no_other_name(
    address: str, secure: str, lab_ca: str, domain: str
) -> None:
    assert secure
    with pytest.raises(ssl.SSLCertVerificationError):
        https.get(address, f"other.{domain}", "/", lab_ca)


def test_the_copy_names_nothing_of_the_host(virt: Virtual, release: Release, space: str) -> None:
    copy = virt.api.get("Secret", "secure-tls", space)
    assert release.namespace not in str(copy["metadata"])
    assert f"-x-{release.name}" not in str(copy["metadata"])


def test_paths_lead_where_their_types_say(
    virt: Virtual, space: str, address: str, domain: str, web: str
) -> None:
    made = _ingress("paths", space, f"paths.{domain}")
    backend = made["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    made["spec"]["rules"][0]["http"]["paths"] = [
        {"path": "/hostname", "pathType": "Exact", "backend": backend},
        {"path": "/clientip", "pathType": "Prefix", "backend": backend},
        {"path": "/header", "pathType": "ImplementationSpecific", "backend": backend},
    ]
    virt.api.create(made)
    host = f"paths.{domain}"
    assert https.wait(address, host, "/hostname").body == web
    assert https.get(address, host, "/clientip").status == 200
    assert https.get(address, host, "/header?key=X-Forwarded-Host").body == host
    for missing in ("/hostname/x", "/", "/echo?msg=x"):
        assert https.get(address, host, missing).status == 404
    # an edit arrives too
    path = {"path": "/echo", "pathType": "Prefix", "backend": backend}
    rules = [{"host": host, "http": {"paths": [path]}}]
    virt.api.patch("Ingress", "paths", space, {"spec": {"rules": rules}})
    assert https.wait(address, host, "/echo?msg=x").body == "x"
    assert https.wait(address, host, "/hostname", status=404)


def test_a_secret_of_the_tenants_own_is_served_though_a_certificate_was_asked_for(
    virt: Virtual, release: Release, space: str, address: str, domain: str
) -> None:
    host = f"own.{domain}"
    pair = self_signed(host)
    own = manifests.secret("own-tls", space, **{"tls.crt": pair.certificate, "tls.key": pair.key})
    own["type"] = "kubernetes.io/tls"
    virt.api.create(own, _ingress("own", space, host, "own-tls", "lab-ca"))
    got = https.wait(address, host, "/hostname", pair.certificate)
    assert ssl.DER_cert_to_PEM_cert(got.certificate) == pair.certificate
    name = f"own-tls-x-{space}-x-{release.name}"
    assert release.host.api.find("Certificate", name, release.namespace) is None

    def told() -> bool:
        events = virt.api.all("Event", space)
        about = [e["message"] for e in events if e["involvedObject"]["name"] == "own"]
        if not any("own-tls" in message for message in about):
            raise Pending(str(about))
        return True

    until("a Warning says that no certificate is asked for", told, 30)


def test_with_the_ingress_all_goes_on_both_sides(
    virt: Virtual, release: Release, space: str, address: str, secure: str, shown: dict[str, str]
) -> None:
    assert shown
    host, suffix = release.host.api, f"-x-{space}-x-{release.name}"
    objects = [
        ("Ingress", f"secure{suffix}"),
        ("Certificate", f"secure-tls{suffix}"),
        ("Secret", f"secure-tls{suffix}"),
    ]
    for kind, name in objects:
        assert host.find(kind, name, release.namespace), name
    virt.api.delete("Ingress", "secure", space)
    for kind, name in objects:
        gone = functools.partial(_gone, release.host, kind, name, release.namespace)
        until(f"{kind} is gone", gone)
    until("the copy is gone", functools.partial(_gone, virt, "Secret", "secure-tls", space))
    assert https.wait(address, secure, "/hostname", status=404)


class Limited(NamedTuple):
    """A second tenant, who may name hosts under one domain only, and one class."""

    release: Release
    virt: Virtual
    domain: str


@pytest.fixture(scope="module")
def limited(session: Session) -> Limited:
    release = session.release("limited", session.namespace("limited"))
    domain = f"{release.namespace}.test"
    limits = {"ingresses": {"hosts": [domain], "classes": ["traefik"]}}
    release.install({"sync": limits, "storage": {"persistence": False}})
    return Limited(release, session.connect(release), domain)


def test_what_another_tenant_serves_is_refused_and_the_allowed_is_named(
    limited: Limited, address: str, domain: str, web: str
) -> None:
    """Without the limit both would claim the name, and the host's controller would choose."""
    taken = f"paths.{domain}"
    foreign = _ingress("foreign", "default", taken, "foreign-tls", "lab-ca")
    wildcard = _ingress("wildcard", "default", "*.test")
    other_class = _ingress("class", "default", f"a.{limited.domain}")
    other_class["spec"]["ingressClassName"] = "nginx"
    expected = {"foreign": limited.domain, "wildcard": limited.domain, "class": "traefik"}
    limited.virt.api.create(foreign, wildcard, other_class)

    def told() -> bool:
        said = {
            each["involvedObject"]["name"]: each["message"]
            for each in limited.virt.api.all("Event", "default")
            if each["type"] == "Warning" and each["involvedObject"]["kind"] == "Ingress"
        }
        if not all(allowed in said.get(name, "") for name, allowed in expected.items()):
            raise Pending(str(said))
        return True

    until("each is refused with what is allowed", told, 30)
    assert limited.release.host.api.all("Ingress", limited.release.namespace) == []
    assert https.wait(address, taken, "/echo?msg=mine").body == "mine"
    assert web


def test_with_the_installation_a_certificate_goes(session: Session, limited: Limited) -> None:
    release, host = limited.release, limited.release.host.api
    allowed = _ingress("mine", "default", f"a.{limited.domain}", "mine-tls", "lab-ca")
    limited.virt.api.create(allowed)
    secret = f"mine-tls-x-default-x-{release.name}"

    def owned() -> Obj | None:
        found = host.find("Secret", secret, release.namespace)
        return found if found and found["metadata"].get("ownerReferences") else None

    until("the certificate is ours", owned, 60)
    session.uninstall(release)
    for kind in ("Ingress", "Certificate"):
        gone = functools.partial(_none, limited.release.host, kind, release.namespace)
        until(f"no {kind} is left", gone)
    until(
        "the Secret is gone",
        functools.partial(_gone, release.host, "Secret", secret, release.namespace),
    )


def _none(side: Side, kind: str, namespace: str) -> bool:
    return side.api.all(kind, namespace) == []
