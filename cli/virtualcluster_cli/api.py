"""One API server, read and written as plain dicts; both sides of a virtual cluster are one each."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import urllib3
import yaml
from kubernetes import client, config

from virtualcluster_cli.access import Access
from virtualcluster_cli.errors import NoAnswer, NoRight, NotFound, Trouble

Obj = dict[str, Any]
MERGE = "application/merge-patch+json"
CONNECT, READ = 5.0, 30.0  # seconds


class ApiError(Trouble):
    """An answer that is not a success, and none of those that everybody may meet."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message or f"the API server answered {status}")
        self.status = status


class Absent(NotFound):
    """A 404: the one answer that callers often expect."""


def settings(access: Access | Obj) -> Any:
    """Return the `kubernetes` package's configuration for a host, or for a kubeconfig's content."""
    made: Any = client.Configuration()
    made.retries = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the client package, about its own future
            _load(access, made)
    except (config.ConfigException, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise Trouble(
            f"the kubeconfig cannot be used ({error})", "correct it, or use another"
        ) from None
    if not made.verify_ssl:
        # The kubeconfig says so, and kubectl does not complain about it with each request either.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return made


def authorization(made: Any) -> dict[str, str]:
    """Return the headers that say who is asking, for requests that the package does not make.

    Under which name it keeps a token has changed with its versions; this it has always said.
    """
    given = made.auth_settings().values()
    headers = {each["key"]: each["value"] for each in given if each["in"] == "header"}
    if not headers and made.username:
        headers["authorization"] = made.get_basic_auth_token()
    return headers


def _load(access: Access | Obj, made: Any) -> None:
    load: Any
    if isinstance(access, dict):
        load = config.load_kube_config_from_dict
        load(access, client_configuration=made)
    elif access.kubeconfig:
        load = config.load_kube_config
        load(config_file=access.kubeconfig, context=access.context, client_configuration=made)
    else:
        load = config.load_incluster_config
        load(client_configuration=made)


class Api:
    """An API server, under the user of a kubeconfig. `name` is how messages call it."""

    def __init__(self, access: Access | Obj, name: str = "the host cluster") -> None:
        self.name = name
        self.configuration = settings(access)
        self._api: Any = client.ApiClient(self.configuration)

    @property
    def server(self) -> str:
        """Return its address."""
        return str(self.configuration.host)

    def close(self) -> None:
        """Close the connections."""
        self._api.rest_client.pool_manager.clear()

    def request(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None
    ) -> bytes:
        """Send one request; raise Trouble unless it succeeds."""
        verb, url, headers, *_ = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        if body is not None:
            headers["Content-Type"] = MERGE if method == "PATCH" else "application/json"
        try:
            response = self._api.rest_client.pool_manager.request(
                verb,
                url,
                body=None if body is None else json.dumps(body),
                headers=headers,
                retries=False,
                timeout=urllib3.Timeout(connect=CONNECT, read=READ),
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from None
        if response.status >= 400:  # noqa: PLR2004
            raise self._refused(response.status, _message(response.data))
        data: bytes = response.data
        return data

    def json(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None
    ) -> Obj:
        """Send one request and return the object that it answers with."""
        answer: Obj = json.loads(self.request(method, path, body, query))
        return answer

    def find(self, path: str) -> Obj | None:
        """Return one object, or None when there is none."""
        try:
            return self.json("GET", path)
        except Absent:
            return None

    def list(self, path: str, labels: str = "", fields: str = "") -> list[Obj]:
        """Return the objects of a list."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        answer = self.json("GET", path, query={k: v for k, v in query.items() if v})
        return answer.get("items") or []

    def version(self) -> str:
        """Return the server's version, like v1.34.4."""
        return str(self.json("GET", "/version").get("gitVersion", ""))

    def _unreachable(self, error: Exception) -> Trouble:
        text = str(getattr(error, "reason", None) or error)
        if "certificate" in text.lower():
            why = re.sub(r"^.*?(certificate verify failed:? ?)", r"\1", text).split(" (_ssl")[0]
            return NoAnswer(
                f"the certificate of {self.name} at {self.server} is not trusted ({why})",
                "the kubeconfig has another certificate authority; get a new kubeconfig",
            )
        return NoAnswer(
            f"{self.name} does not answer at {self.server} ({_network(text)})",
            "check that it runs and is reachable from here, or use another --context",
        )

    def _refused(self, status: int, message: str) -> Trouble:
        if status == 401:  # noqa: PLR2004
            return NoRight(
                f"{self.name} rejects you: the credentials in the kubeconfig are not"
                " accepted, or have expired",
                "log in again",
            )
        if status == 403:  # noqa: PLR2004
            return _forbidden(self.name, message)
        if status == 404:  # noqa: PLR2004
            return Absent(message or "not found")
        return ApiError(status, message)


def _forbidden(name: str, message: str) -> Trouble:
    lacking = re.search(
        r'cannot (\S+) resource "([^"]+)"(?:.*?in the namespace "([^"]+)")?', message
    )
    if not lacking:
        return NoRight(f"{name} does not allow it: {message}", "ask its administrator")
    verb, what, namespace = lacking.groups()
    where = f"in namespace {namespace} of {name}" if namespace else f"in all of {name}"
    cure = (
        f"ask its administrator for the ClusterRole admin in namespace {namespace}"
        if namespace
        else "pass one namespace with -n, or ask its administrator for that right"
    )
    return NoRight(f"you are not allowed to {verb} {what} {where}", cure)


def _network(text: str) -> str:
    for sign, meaning in (
        ("refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("resolve", "its name cannot be resolved"),
        ("Name or service not known", "its name cannot be resolved"),
        ("unreachable", "no route to it"),
    ):
        if sign in text:
            return meaning
    return text.rpartition(": ")[2][:120]


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")[:300]
