"""What was asked of the host in all of the tests on the shared installation, by its audit log.

The best single witness of what a syncer does: it misses nothing, and believes nobody.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from tests.e2e.audit import WRITES, Request, account_user
from tests.e2e.conftest import Tenant
from tests.e2e.session import Session
from tests.e2e.waiting import until

# Asking what there is and what one may do, which every authenticated user can.
ASKING = re.compile(
    r"/(version|api|apis|openapi/[^?]*|api/[^/?]*|apis/[^/?]*(/[^/?]*)?)(\?.*)?"
    r"|/apis/authorization\.k8s\.io/v1/self.*"
)
SERVICE_RANGES = "/apis/networking.k8s.io/v1/servicecidrs"
TLS_SECRETS = "fieldSelector=type=kubernetes.io/tls"
OWN_MARK = "labelSelector=virtualcluster.dev/managed-by=virtualcluster"
# Twins by their readable or their hashed name, and the three objects of the release's own.
OURS = re.compile(
    r".*-x-.*-x-virtualcluster|.*-[0-9a-f]{32}"
    r"|vc-virtualcluster|virtualcluster-(anchor|discovered)"
)


class Log(NamedTuple):
    """The requests of somebody."""

    namespace: str
    requests: list[Request]


@pytest.fixture(params=["installer", "syncer"])
def log(tenant: Tenant, session: Session, request: pytest.FixtureRequest) -> Log:
    if session.audit is None:
        pytest.skip("the host's audit log cannot be read here")
    namespace = tenant.release.namespace
    by_name = {"installer": tenant.installer.account, "syncer": (namespace, "virtualcluster")}
    audit, user = session.audit, account_user(*by_name[request.param])
    found = until(f"requests of {user}", lambda: audit.requests(user, tenant.since), 30)
    return Log(namespace, found)


def test_nothing_beyond_the_namespace_was_asked_for(log: Log) -> None:
    beyond = [
        request
        for request in log.requests
        if request.namespace != log.namespace
        and not ASKING.fullmatch(request.uri)
        and not request.uri.startswith(SERVICE_RANGES)
    ]
    assert not beyond, "\n".join(map(str, beyond[:20]))


def test_nothing_was_denied_but_the_one_question_that_has_another_answer(log: Log) -> None:
    ranges = [each for each in log.requests if each.uri.startswith(SERVICE_RANGES)]
    assert all(each.code == 403 for each in ranges), "a namespace's user must not read them"
    refused = [each for each in log.requests if each.code in (401, 403) and each not in ranges]
    denied = [each for each in refused if not each.granted]
    assert not denied, "\n".join(map(str, denied[:20]))


@pytest.mark.parametrize("log", ["syncer"], indirect=True)
def test_only_twins_were_written(log: Log) -> None:
    written = [each for each in log.requests if each.verb in WRITES and each.name]
    assert written, "a log without writes proves nothing"
    foreign = [each for each in written if not OURS.fullmatch(each.name)]
    assert not foreign, "\n".join(map(str, foreign[:20]))


@pytest.mark.parametrize("log", ["syncer"], indirect=True)
def test_all_lists_and_watches_are_of_the_releases_own_mark(log: Log) -> None:
    """But for events, which have no labels, single objects by name, and TLS Secrets.

    The host's cert-manager makes one for an Ingress of ours, and it has no mark until we give it.
    """
    wide = [
        each
        for each in log.requests
        if each.verb in ("list", "watch")
        and each.resource != "events"
        and OWN_MARK not in unquote(each.uri)
        and "metadata.name" not in each.uri
        and not (each.resource == "secrets" and TLS_SECRETS in unquote(each.uri))
        and not each.uri.startswith(SERVICE_RANGES)
    ]
    assert not wide, "\n".join(map(str, wide[:20]))
