"""The command line: what it takes, what it refuses, and how an end is told."""

from __future__ import annotations

import asyncio

import click
import pytest
from click.testing import CliRunner

from syncer.cli import _finish, main, run_command
from syncer.errors import Refused, ServerError, Unreachable
from syncer.run_options import node_labels, synced_kinds
from syncer.sync.kinds import BY_DEFAULT

DEFAULT = frozenset(BY_DEFAULT)


@pytest.mark.parametrize(
    ("enable", "disable", "kinds"),
    [
        ("", "", DEFAULT),
        ("", "ingresses", DEFAULT - {"ingresses"}),
        (
            "",
            "ingresses, persistentvolumeclaims",
            DEFAULT - {"ingresses", "persistentvolumeclaims"},
        ),
        (",", " , ", DEFAULT),
        ("endpoints", "", DEFAULT | {"endpoints", "endpointslices"}),
        ("endpointslices", "", DEFAULT | {"endpointslices"}),
        ("endpoints", "endpointslices", DEFAULT | {"endpoints"}),
        ("ephemeralcontainers", "", DEFAULT | {"ephemeralcontainers"}),
        ("ingresses", "ingresses", DEFAULT - {"ingresses"}),
        ("", "endpoints", DEFAULT),
    ],
)
def test_kinds_to_sync(enable: str, disable: str, kinds: frozenset[str]) -> None:
    assert synced_kinds(enable, disable) == kinds


@pytest.mark.parametrize(
    ("enable", "disable"),
    [("ingress", ""), ("", "ingress"), ("namespaces", ""), ("", "a,ingresses")],
)
def test_name_that_is_no_kind_is_refused_with_those_that_are(enable: str, disable: str) -> None:
    with pytest.raises(click.UsageError, match=r"is not a kind to sync: use .*ingresses"):
        synced_kinds(enable, disable)


RUN = [
    "--release=vc",
    "--namespace=team-x",
    "--workload-service-account=vc-workload",
    "--own-node=node-1",
    "--pod-ip=10.42.0.9",
]


def test_run_has_the_defaults_that_the_chart_relies_on() -> None:
    params = run_command.make_context("run", list(RUN)).params
    assert str(params["k3s_data_dir"]) == "/data"
    assert str(params["k3s_kubeconfig"]) == "/k3s-config/kube-config.yaml"
    assert str(params["kubeconfig_out"]) == "/root/.kube/config"
    assert params["pod_security_standard"] == "baseline"
    assert params["accept_new_datastore"] is False
    assert (params["api_port"], params["listen_port"]) == (8443, 8081)


@pytest.mark.parametrize("missing", range(3))
def test_run_needs_to_know_who_it_is(missing: int) -> None:
    args = [arg for index, arg in enumerate(RUN) if index != missing]
    result = CliRunner(env={"HOST_NODE_NAME": "n", "POD_IP": "i"}).invoke(run_command, args)
    assert result.exit_code == 2
    assert "Missing option" in result.output


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--pod-security-standard=lax"], "lax"),
        (["--unknown"], "unknown"),
        (["--listen-port=many"], "many"),
    ],
)
def test_run_refuses_what_it_does_not_know(args: list[str], text: str) -> None:
    result = CliRunner().invoke(run_command, [*RUN, *args])
    assert result.exit_code == 2
    assert text in result.output


def test_commands_are_those_that_the_chart_and_the_command_line_call() -> None:
    of_chart, of_command_line = {"discover", "preflight", "run"}, {"backup", "restore"}
    assert set(main.commands) == of_chart | of_command_line
    assert all(command.help for command in main.commands.values())


async def _raise(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def _return() -> None:
    return


@pytest.mark.parametrize(
    "error",
    [
        Refused("NoAnchor", "text"),
        ServerError(500, "x", "text"),
        Unreachable("text"),
        ExceptionGroup("group", [ExceptionGroup("inner", [Unreachable("text")])]),
        BaseExceptionGroup("group", [asyncio.CancelledError(), Refused("A", "text")]),
    ],
)
def test_end_that_the_operator_can_mend_is_one_line_and_exit_1(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        _finish(_raise(error))
    assert caught.value.code == 1
    output = capsys.readouterr().out
    assert "error='text'" in output or "text'" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "error", [ValueError("bug"), ExceptionGroup("g", [Unreachable("x"), ValueError("bug")])]
)
def test_bug_keeps_its_trace(error: Exception) -> None:
    with pytest.raises(type(error)):
        _finish(_raise(error))


def test_good_end_is_silent() -> None:
    _finish(_return())


def test_end_by_sigterm_is_a_good_one() -> None:
    _finish(_raise(asyncio.CancelledError()))
    _finish(_raise(BaseExceptionGroup("group", [asyncio.CancelledError()])))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("pool=tenants", (("pool", "tenants"),)),
        ("a.b/c=d, e=", (("a.b/c", "d"), ("e", ""))),
        ("pool", None),
        ("=x", None),
    ],
)
def test_labels_of_nodes_are_pairs(text: str, pairs: tuple[tuple[str, str], ...] | None) -> None:
    if pairs is None:
        with pytest.raises(click.UsageError, match="key=value"):
            node_labels(text)
    else:
        assert node_labels(text) == pairs
