"""What a kubelet request means, or why it is refused: one row per request."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.kubelet import HostPod
from syncer.kubelet.errors import (
    BadRequest,
    KubeletError,
    MethodNotAllowed,
    NotFound,
)
from syncer.kubelet.routes import host_target, parse
from syncer.kubelet.types import Health, Logs, PodRef, Stream

WEB = PodRef("default", "web", None)
WEB_UID = PodRef("default", "web", "bbbbbbbb-0000-4000-8000-000000000002")
UID = WEB_UID.virt_uid
C = ("container", "main")
IN, OUT, ERR, TTY = (("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("tty", "true"))
LOG, EXEC, ATTACH, PF = (
    "/containerLogs/default/web/main",
    "/exec/default/web/main",
    "/attach/default/web/main",
    "/portForward/default/web",
)
EXEC_OK = EXEC + "?command=sh&output=1"

ACCEPTED = [
    ("GET", "/healthz", Health()),
    ("GET", LOG, Logs(WEB, "main", (C,))),
    ("GET", LOG + "?follow=true", Logs(WEB, "main", (C, ("follow", "true")))),
    ("GET", LOG + "?previous=true", Logs(WEB, "main", (C, ("previous", "true")))),
    ("GET", LOG + "?timestamps=true", Logs(WEB, "main", (C, ("timestamps", "true")))),
    ("GET", LOG + "?follow=false", Logs(WEB, "main", (C, ("follow", "false")))),
    ("GET", LOG + "?follow", Logs(WEB, "main", (C, ("follow", "true")))),
    ("GET", LOG + "?tailLines=0", Logs(WEB, "main", (C, ("tailLines", "0")))),
    ("GET", LOG + "?tailLines=007", Logs(WEB, "main", (C, ("tailLines", "7")))),
    ("GET", LOG + "?limitBytes=1", Logs(WEB, "main", (C, ("limitBytes", "1")))),
    ("GET", LOG + "?sinceSeconds=5", Logs(WEB, "main", (C, ("sinceSeconds", "5")))),
    (
        "GET",
        LOG + "?sinceTime=2026-01-02T03%3A04%3A05Z",
        Logs(WEB, "main", (C, ("sinceTime", "2026-01-02T03:04:05Z"))),
    ),
    (
        "GET",
        LOG + "?sinceTime=2026-01-02T03:04:05%2B02:00",
        Logs(WEB, "main", (C, ("sinceTime", "2026-01-02T03:04:05+02:00"))),
    ),
    # Hosts below 1.32, or without PodLogsQuerySplitStreams, refuse the key: All is the default.
    ("GET", LOG + "?stream=All", Logs(WEB, "main", (C,))),
    ("GET", LOG + "?stream=Stderr", Logs(WEB, "main", (C, ("stream", "Stderr")))),
    ("GET", "/containerLogs/default/%77eb/main", Logs(WEB, "main", (C,))),
    (
        "GET",
        "/containerLogs/kube-system/coredns-5d4.x/healthz",
        Logs(PodRef("kube-system", "coredns-5d4.x", None), "healthz", (("container", "healthz"),)),
    ),
    ("POST", EXEC_OK, Stream("exec", WEB, "main", (C, ("command", "sh"), OUT))),
    ("GET", EXEC_OK, Stream("exec", WEB, "main", (C, ("command", "sh"), OUT))),
    (
        "POST",
        EXEC + "?command=sh&command=-c&command=echo+%24A%3B%20ls+%7C%26&error=1&input=1&tty=1",
        Stream(
            "exec",
            WEB,
            "main",
            (C, ("command", "sh"), ("command", "-c"), ("command", "echo $A; ls |&"), ERR, IN, TTY),
        ),
    ),
    (
        "POST",
        EXEC + "?command=&command=%C3%BC&output=1",
        Stream("exec", WEB, "main", (C, ("command", ""), ("command", "ü"), OUT)),
    ),
    (
        "POST",
        f"/exec/default/web/{UID}/main?command=sh&output=1&input=0",
        Stream("exec", WEB_UID, "main", (C, ("command", "sh"), OUT, ("stdin", "false"))),
    ),
    ("POST", ATTACH + "?input=1", Stream("attach", WEB, "main", (C, IN))),
    (
        "POST",
        f"/attach/default/web/{UID}/main?output=1&tty=1",
        Stream("attach", WEB_UID, "main", (C, OUT, TTY)),
    ),
    ("POST", PF, Stream("portforward", WEB, None, ())),
    ("POST", f"{PF}/{UID}", Stream("portforward", WEB_UID, None, ())),
    ("GET", PF + "?port=80", Stream("portforward", WEB, None, (("ports", "80"),))),
    (
        "GET",
        PF + "?port=80%2C443&port=65535",
        Stream("portforward", WEB, None, (("ports", "80"), ("ports", "443"), ("ports", "65535"))),
    ),
]

REFUSED = [
    # Paths of a node, and paths of nothing (G6).
    ("GET", "/", NotFound),
    ("GET", "/pods", NotFound),
    ("GET", "/runningpods/", NotFound),
    ("GET", "/configz", NotFound),
    ("GET", "/metrics", NotFound),
    ("GET", "/metrics/resource", NotFound),
    ("GET", "/metrics/cadvisor", NotFound),
    ("GET", "/stats/summary", NotFound),
    ("GET", "/debug/pprof/heap", NotFound),
    ("GET", "/logs/", NotFound),
    ("POST", "/run/default/web/main?cmd=id", NotFound),
    ("POST", "/checkpoint/default/web/main", NotFound),
    ("GET", "/api/v1/secrets", NotFound),
    ("GET", "/cri/exec/token", NotFound),
    ("GET", "/EXEC/default/web/main?command=sh&output=1", NotFound),
    # Segments: too few, too many, empty (G2).
    ("POST", "/exec/default/web?command=sh&output=1", NotFound),
    ("POST", "/exec/default/web/uid/main/extra?command=sh&output=1", NotFound),
    ("POST", "//exec/default/web/main?command=sh&output=1", NotFound),
    ("POST", "/exec//web/main?command=sh&output=1", BadRequest),
    ("POST", EXEC + "/?command=sh&output=1", BadRequest),
    ("GET", "/containerLogs/default/web/main/", NotFound),
    ("GET", "/containerLogs/default/web", NotFound),
    ("POST", "/portForward/default", NotFound),
    ("POST", "/portForward/default/web/uid/x", NotFound),
    ("GET", "/healthz/", NotFound),
    # Names that are none (G2).
    ("GET", "/containerLogs/default/../main", BadRequest),
    ("GET", "/containerLogs/default/%2e%2e/main", BadRequest),
    ("GET", "/containerLogs/default/web%2f..%2fother/main", BadRequest),
    ("GET", "/containerLogs/default/web%252fx/main", BadRequest),
    ("GET", "/containerLogs/default/web%00/main", BadRequest),
    ("GET", "/containerLogs/default/web%0a/main", BadRequest),
    ("GET", "/containerLogs/default/web;x=1/main", BadRequest),
    ("GET", "/containerLogs/default/web%3Fcontainer=y/main", BadRequest),
    ("GET", "/containerLogs/default/w%C3%A9b/main", BadRequest),
    ("GET", "/containerLogs/default/web%/main", BadRequest),
    ("GET", "/containerLogs/Default/web/main", BadRequest),
    ("GET", "/containerLogs/a.b/web/main", BadRequest),
    ("GET", "/containerLogs/default/-web/main", BadRequest),
    ("GET", "/containerLogs/default/web./main", BadRequest),
    ("GET", "/containerLogs/default/web/main.x", BadRequest),
    ("GET", f"/containerLogs/{'n' * 64}/web/main", BadRequest),
    ("GET", f"/containerLogs/default/{'p' * 254}/main", BadRequest),
    ("GET", f"/containerLogs/default/web/{'c' * 64}", BadRequest),
    ("POST", "/exec/default/web/a_b/main?command=sh&output=1", BadRequest),
    ("POST", f"/portForward/default/web/{'u' * 64}", BadRequest),
    # Targets that are no paths.
    ("GET", "https://api/containerLogs/default/web/main", BadRequest),
    ("GET", "*", BadRequest),
    ("CONNECT", "host:443", BadRequest),
    ("GET", LOG + "#frag", BadRequest),
    # Methods.
    ("POST", LOG, MethodNotAllowed),
    ("DELETE", EXEC_OK, MethodNotAllowed),
    ("PUT", PF, MethodNotAllowed),
    ("HEAD", "/healthz", MethodNotAllowed),
    ("get", LOG, MethodNotAllowed),
    # Queries (G3).
    ("GET", LOG + "?insecureSkipTLSVerifyBackend=true", BadRequest),
    ("GET", LOG + "?container=other", BadRequest),
    ("GET", LOG + "?Follow=true", BadRequest),
    ("GET", LOG + "?follow=true&follow=true", BadRequest),
    ("GET", LOG + "?follow=true&%66ollow=false", BadRequest),
    ("GET", LOG + "?follow=yes", BadRequest),
    ("GET", LOG + "?follow=true;previous=true", BadRequest),
    ("GET", LOG + "?follow=true&", BadRequest),
    ("GET", LOG + "?=true", BadRequest),
    ("GET", LOG + "?tailLines=-1", BadRequest),
    ("GET", LOG + "?tailLines=1e3", BadRequest),
    ("GET", LOG + "?tailLines=%D9%A3", BadRequest),
    ("GET", LOG + "?tailLines=9223372036854775808", BadRequest),
    ("GET", LOG + "?tailLines=" + "9" * 5000, BadRequest),
    ("GET", LOG + "?limitBytes=0", BadRequest),
    ("GET", LOG + "?sinceSeconds=0", BadRequest),
    ("GET", LOG + "?sinceTime=yesterday", BadRequest),
    ("GET", LOG + "?sinceTime=2026-01-02T03:04:05Z%0a", BadRequest),
    ("GET", LOG + "?sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z", BadRequest),
    ("GET", LOG + "?stream=all", BadRequest),
    ("GET", LOG + "?follow=%zz", BadRequest),
    ("GET", LOG + "?follow=%ff", BadRequest),
    ("POST", EXEC + "?output=1", BadRequest),
    ("POST", EXEC + "?command=sh", BadRequest),
    ("POST", EXEC + "?command=sh&output=0", BadRequest),
    ("POST", EXEC + "?command=sh&output=true", BadRequest),
    ("POST", EXEC + "?command=sh&output=1&output=1", BadRequest),
    ("POST", EXEC + "?command=sh%00&output=1", BadRequest),
    ("POST", EXEC + "?command=%ff&output=1", BadRequest),
    ("POST", EXEC + "?command=a;b&output=1", BadRequest),
    ("POST", EXEC + "?command=100%&output=1", BadRequest),
    ("POST", EXEC + "?command=sh&stdout=true", BadRequest),
    ("POST", EXEC + "?command=sh&output=1&container=other", BadRequest),
    ("POST", ATTACH + "?output=1&command=sh", BadRequest),
    ("POST", ATTACH, BadRequest),
    ("GET", PF + "?port=0", BadRequest),
    ("GET", PF + "?port=65536", BadRequest),
    ("GET", PF + "?port=80,", BadRequest),
    ("GET", PF + "?port=http", BadRequest),
    ("GET", PF + "?ports=80", BadRequest),
]


@pytest.mark.parametrize(("method", "target", "request_"), ACCEPTED)
def test_request_is_understood(method: str, target: str, request_: object) -> None:
    assert parse(method, target) == request_


@pytest.mark.parametrize(("method", "target", "error"), REFUSED)
def test_request_is_refused(method: str, target: str, error: type[KubeletError]) -> None:
    with pytest.raises(KubeletError) as caught:
        parse(method, target)
    assert type(caught.value) is error


def test_usage_paths_say_what_is_missing() -> None:
    for target in ("/stats/summary", "/metrics/resource"):
        with pytest.raises(NotFound, match="resource usage is not served"):
            parse("GET", target)


HOST = HostPod("team-x", "web-x-default-x-vc", "u1", "u2", frozenset({"main"}))

TARGETS = [
    (LOG + "?follow=true&tailLines=3", "log?container=main&follow=true&tailLines=3"),
    (EXEC + "?command=a+%26b%3D&output=1", "exec?container=main&command=a+%26b%3D&stdout=true"),
    (ATTACH + "?input=1&tty=1", "attach?container=main&stdin=true&tty=true"),
    (PF, "portforward"),
    (PF + "?port=80,81", "portforward?ports=80&ports=81"),
]


@pytest.mark.parametrize(("target", "host"), TARGETS)
def test_host_url_is_built_from_own_parts(target: str, host: str) -> None:
    request = parse("GET", target)
    assert isinstance(request, Logs | Stream)
    base = "/api/v1/namespaces/team-x/pods/web-x-default-x-vc/"
    assert host_target(request, HOST) == base + host


@given(st.text())
def test_any_argument_reaches_the_host_unchanged_or_is_refused(argument: str) -> None:
    """No text of a command can end its parameter and begin another."""
    try:
        quoted = "".join(f"%{byte:02X}" for byte in argument.encode())
        request = parse("POST", f"{EXEC}?output=1&command={quoted}")
    except BadRequest:
        assert "\0" in argument
        return
    assert isinstance(request, Stream)
    pairs = parse_qsl(urlsplit(host_target(request, HOST)).query, keep_blank_values=True)
    assert pairs == [("container", "main"), ("stdout", "true"), ("command", argument)]


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_any_target_is_answered_with_a_request_or_a_refusal(text: str) -> None:
    """What h11 lets through (visible ASCII) never surprises the parser."""
    for prefix in ("", "/", "/exec/default/", "/containerLogs/default/web/main?"):
        try:
            parsed = parse("GET", prefix + text)
        except KubeletError:
            continue
        assert isinstance(parsed, Health | Logs | Stream)
