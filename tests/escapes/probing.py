"""Cases that are requests and their answers: a function each, which returns what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.session import Session
from tests.escapes.build import pod
from tests.escapes.case import Result, filled
from tests.escapes.round import Place
from tests.escapes.tenant import Tenant
from tests.escapes.wire import Kubelet, Wire

SPACE = "kube-system"


@dataclass
class Probing:
    """What a probe has at hand."""

    session: Session
    place: Place
    wire: Wire
    number: int

    @property
    def facts(self) -> dict[str, str]:
        """Return the facts."""
        return self.place.facts

    @property
    def tenant(self) -> Tenant:
        """Return the tenant."""
        return Tenant(self.place.virt.api)

    def kubelet(self) -> Kubelet:
        """Return the kubelet endpoint of the node that the DNS runs on."""
        node = self.place.virt.api.get("Node", self.facts["node"])
        port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        release = self.place.release
        return Kubelet(release.host.kubectl, release.namespace, release.pod, port)

    def own_logs(self) -> str:
        """Return the path of the DNS pod's logs in the virtual API."""
        return f"/api/v1/namespaces/{SPACE}/pods/{self.facts['dnspod']}/log?tailLines=1"

    def named(self, name: str) -> str:
        """Return a name of this go."""
        return f"{name}-{self.number}"

    def pod(self, name: str, spec: Obj | None = None) -> Obj:
        """Return a pod of the tenant's, for its own namespace."""
        facts = {**self.facts, "ns": SPACE, "name": self.named(name)}
        made: Obj = filled(pod(spec), facts)
        return made


Probe = Callable[[Probing], str]


@dataclass(frozen=True)
class Named:
    """A probe with its name."""

    id: str
    tries: str
    probe: Probe
    last: bool = False
    """It disturbs others."""

    @property
    def row(self) -> str:
        """Return the row of the threat list."""
        return self.id.partition("-")[0]

    def result(self, probing: Probing) -> Result:
        """Return the verdict."""
        try:
            problem = self.probe(probing)
        except (AssertionError, KeyError, ApiError, Unreachable) as error:
            problem = f"{type(error).__name__}: {error}"
        return Result(self.id, self.tries, problem, probing.facts)


PROBES: list[Named] = []


def probe(id_: str, tries: str, *, last: bool = False) -> Callable[[Probe], Probe]:
    """Register a function as a case."""

    def register(function: Probe) -> Probe:
        PROBES.append(Named(id_, tries, function, last))
        return function

    return register
