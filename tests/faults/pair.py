"""Both sides, the proxies before them, the syncer between, and the ledger beside: one stage."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable
from pathlib import Path

from syncer.kube.auth import key_pair_files
from tests.e2e.cluster import Cluster
from tests.faults import chart, launch, oracle, quiet, virt
from tests.faults.chart import NAMESPACE, RELEASE, Chart
from tests.faults.exchange import Upstream
from tests.faults.host import Host
from tests.faults.launch import HOST_PORT
from tests.faults.player import Player
from tests.faults.programs import Programs
from tests.faults.proxy import Proxy, Rule
from tests.faults.record import Record
from tests.faults.syncer import Syncer
from tests.faults.virt import Virt

VIRT_PORT = 7444
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LISTEN = 8081


class Pair:
    """The stage that all cases play on."""

    def __init__(self, state: Path, programs: Programs, say: Callable[[str], None]) -> None:
        self.state = state
        self.say = say
        self._host = Host(state / "host", programs.kubernetes, programs.kine)
        self.k3s = Virt(
            state / "virt",
            programs.k3s,
            (programs.kubernetes, programs.kine),
            programs.k3s_version,
        )
        pki = self._host.pki
        pair = (pki.path("proxy-server.crt"), pki.path("proxy-server.key"))
        self.pki = pki
        self.host_proxy = Proxy("host", pair, HOST_PORT)
        self.virt_proxy = Proxy("virt", pair, VIRT_PORT)
        self.record = Record()
        self.host: Cluster
        self.virt: Cluster
        self.chart: Chart
        self.player: Player
        self.syncer: Syncer
        self.second: Syncer

    # --- coming and going

    def start(self) -> None:
        """Bring all of it up, the syncer in step."""
        self.host = self._host.start()
        self.say("the host API answers")
        self.chart = Chart(self.host, self.state)
        self.chart.apply()
        chart.service_account(ACCOUNT, self.pki, self.chart.token())
        self.host_proxy.start()
        self.virt_proxy.start()
        self.host_proxy.leads_to(Upstream(self._host.at.server, self._trust()))
        self.player = Player(self.host).start()
        launch.discover(self.chart)
        self.k3s.told(self.chart.args["virtual-cluster"], self.chart.discovered())
        self.k3s.start()
        self.reach()
        self.say("the virtual API answers")
        self.record.follow(self.host, NAMESPACE, RELEASE, self.virt)
        self.syncer = self._syncer("syncer", LISTEN)
        self.second = self._syncer("second", LISTEN + 1)
        self.syncer.start()
        self.syncer.ready(virt.START)
        self.say("the syncer is in step")

    def stop(self) -> None:
        """End it."""
        for name in ("syncer", "second"):
            if hasattr(self, name):
                getattr(self, name).close()
        if hasattr(self, "player"):
            self.player.stop()
        if hasattr(self, "virt"):
            self.record.close()
        self.k3s.kill()
        self._host.stop()

    def reach(self, seconds: float = virt.START) -> None:
        """Wait for k3s; lead its proxy and the syncer to it."""
        self.virt = self.k3s.wait(seconds)
        config = json.loads(self.k3s.kubeconfig.read_text())
        user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
        tls = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        pair = (base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key"))
        with key_pair_files(*pair) as files:
            tls.load_cert_chain(*files)
        self.virt_proxy.leads_to(Upstream(cluster["server"], tls))
        authority = self.pki.path("ca.crt").read_bytes()
        text = chart.through(self.k3s.written, f"https://127.0.0.1:{VIRT_PORT}", authority)
        chart.write(self._kubeconfig, text)

    def _syncer(self, name: str, port: int) -> Syncer:
        places = launch.Places(self.state, self.k3s.data, self._kubeconfig)
        return launch.syncer(self.chart, name, port, places)

    @property
    def _kubeconfig(self) -> Path:
        return self.state / "k3s-through-proxy.yaml"

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.pki.path("ca.crt")))

    # --- during a case

    def proxy(self, side: str) -> Proxy:
        """Return the proxy of a side."""
        return self.host_proxy if side == "host" else self.virt_proxy

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        """Return the proxies of both sides."""
        return self.host_proxy, self.virt_proxy

    def inject(self, side: str, *rules: Rule) -> None:
        """Add rules to a side; the first that takes a request acts."""
        self.proxy(side).rules += rules

    def heal(self) -> None:
        """Take all rules away."""
        for proxy in self.proxies:
            proxy.rules = []

    def calm(self) -> None:
        """Undo what cases do to the stage."""
        self.player.paused.clear()
        self.player.holds_ends.clear()
        for proxy in self.proxies:
            proxy.up()
        self.second.stop()
        self.syncer.resume()
        self.syncer.run_on()

    def look(self, namespace: str, ignoring: str = "") -> oracle.State:
        """Return how the two sides of a virtual namespace are now, but for names that begin so."""
        there = [*self.record.there("virt", namespace), *self.record.there("host", namespace)]
        if ignoring:
            there = [each for each in there if not each.name.startswith(ignoring)]
        return oracle.state(there, namespace)

    def rest(self, seconds: float = 60.0, *, when: Callable[[], bool] = lambda: True) -> None:
        """Wait until nothing is on its way out, is queued, is written or changes for a while."""
        quiet.rest(self, seconds, when)

    def still(self) -> None:
        """Wait until the syncer has written nothing for a while, whatever is on its way out."""
        quiet.still(self)

    def writes(self) -> int:
        """Return how many writes of the syncer there were."""
        return sum(proxy.writes for proxy in self.proxies)

    def check(self) -> None:
        """Raise when what watches or plays has failed: then no verdict means anything."""
        self.record.check()
        if self.player.error is not None:
            raise AssertionError("the player has failed") from self.player.error
