"""One API server, as a fast client speaks with it: the same one for both sides of a comparison."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson
import yaml

from tools.bench.errors import BenchError

Obj = dict[str, Any]

REQUEST = 60.0  # seconds; the API server's own limit for what is no watch


class Refused(BenchError):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """An API server under the user of a kubeconfig that holds a certificate or a token."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        chosen = _named(config, "contexts", config.get("current-context", ""))
        cluster = _named(config, "clusters", chosen.get("cluster", ""))
        user = _named(config, "users", chosen.get("user", ""))
        self._url = cluster["server"].rstrip("/")
        self._tls = _tls(cluster, user)
        token = user.get("token")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=75)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=REQUEST),
            headers={**self._headers, "Accept": "application/json"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        body: Obj | None = None,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> bytes:
        """Make one request; return the body of a successful answer."""
        assert self._session is not None
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else orjson.dumps(body)
        try:
            async with self._session.request(
                method, self._url + path, data=data, params=query, headers=headers
            ) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BenchError(f"{method} {path}: {error!r}") from error
        if answer.status >= 300:
            raise Refused(answer.status, f"{method} {path}: {_message(text)}")
        return text

    async def json(self, method: str, path: str, body: Obj | None = None, **query: str) -> Obj:
        """Make one request; return the object of a successful answer."""
        answer: Obj = orjson.loads(await self.send(method, path, body, query))
        return answer

    async def text(self, path: str) -> str:
        """Return what is no JSON: metrics."""
        return (await self.send("GET", path, accept="text/plain")).decode()

    async def watch(self, path: str, since: str, labels: str) -> AsyncIterator[bytes]:
        """Yield the lines of a watch as they come, until the server ends it."""
        assert self._session is not None
        query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "3600"}
        query["allowWatchBookmarks"] = "true"
        if labels:
            query["labelSelector"] = labels
        rest = b""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        async with self._session.get(self._url + path, params=query, timeout=timeout) as answer:
            if answer.status != 200:
                raise Refused(answer.status, _message(await answer.read()))
            yield b""  # it is open
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line


def _named(config: Obj, kind: str, name: str) -> Obj:
    entries = config.get(kind) or []
    for each in entries:
        if each["name"] == name or (not name and len(entries) == 1):
            entry: Obj = each[kind[:-1]]
            return entry
    raise BenchError(f"the kubeconfig has no entry {name!r} among its {kind}")


def _tls(cluster: Obj, user: Obj) -> ssl.SSLContext:
    tls = ssl.create_default_context(cadata=_part(cluster, "certificate-authority") or None)
    pair = _part(user, "client-certificate"), _part(user, "client-key")
    if all(pair):
        with tempfile.NamedTemporaryFile("w") as file:  # ssl loads a client's pair from files only
            file.write("\n".join(pair))
            file.flush()
            tls.load_cert_chain(file.name)
    elif not user.get("token"):
        raise BenchError("the kubeconfig's user has neither a certificate nor a token")
    return tls


def _part(entry: Obj, key: str) -> str:
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    return Path(entry[key]).read_text() if entry.get(key) else ""


def _message(text: bytes) -> str:
    try:
        return str(orjson.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")[:300]
