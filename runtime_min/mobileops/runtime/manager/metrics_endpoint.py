"""Serve metrics over HTTP on a unix socket or on loopback: one page, ``GET /metrics``, one answer a connection.

A browser that was led to a loopback address by a name of somebody else's (DNS rebinding) sends that name as ``Host``;
on loopback, only names of loopback are answered.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime.metrics import openmetrics, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.home import Home

SOCKET_NAME: Final = "metrics.sock"
MAX_HEAD_BYTES: Final = 8192
PATIENCE_S: Final = 5.0
MAX_CLIENTS: Final = 16


class MetricsEndpoint:
    """Serves what the operator asked for, if anything."""

    def __init__(self, home: Home, text: Callable[[], str]) -> None:
        """Serve nothing yet.

        Args:
            home: the plugin manager's folder.
            text: returns the metrics as they are now.
        """
        self._home = home
        self._text = text
        self._server: asyncio.Server | None = None
        self._local = False
        self._clients = 0

    async def open(self) -> str | None:
        """Serve as ``metrics.json`` says now, and no more as it said before; return where.

        Raises:
            HostFault: the file cannot be used (MOP5502), or the address not be had (MOP5504).
        """
        await self.close()
        listen = settings.load(self._home.metrics_settings)
        if listen is None:
            return None
        try:
            if listen == settings.UNIX:
                return await self._open_unix()
            address = settings.parse(listen)
            self._local = True
            self._server = await asyncio.start_server(self._client, address.host, address.port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise HostFault(
                f"metrics cannot be served at {listen!r}: {error.strerror}",
                code="MOP5504",
                where=str(self._home.metrics_settings),
                fix="mobileops metrics --listen, with an address that nobody has",
            ) from error
        return f"http://{listen}/metrics"

    async def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        with suppress(FileNotFoundError):
            (self._home.run / SOCKET_NAME).unlink()

    async def _open_unix(self) -> str:
        path = self._home.run / SOCKET_NAME
        folder = os.open(self._home.run, os.O_PATH | os.O_DIRECTORY)
        try:  # sun_path holds 108 bytes; a home may be deeper
            self._server = await asyncio.start_unix_server(
                self._client, f"/proc/self/fd/{folder}/{SOCKET_NAME}", limit=MAX_HEAD_BYTES
            )
        finally:
            os.close(folder)
        path.chmod(0o600)
        self._local = False
        return str(path)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= MAX_CLIENTS:
                async with asyncio.timeout(PATIENCE_S):
                    writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever does not speak HTTP gets nothing
        finally:
            self._clients -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, _, rest = request.partition(" ")
        if self._local and not _is_local(headers.get("host", "localhost")):
            return _response("403 Forbidden", "this host answers by its loopback names alone\n")
        if rest.partition(" ")[0].partition("?")[0] != "/metrics":
            return _response("404 Not Found", "there is /metrics\n")
        if method not in {"GET", "HEAD"}:
            return _response("405 Method Not Allowed", "GET\n")
        return _response("200 OK", self._text(), kind=openmetrics.CONTENT_TYPE, with_body=method == "GET")


def _is_local(host: str) -> bool:
    """Whether a Host header names loopback."""
    name = re.sub(r":[0-9]*$", "", host).removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost"


def _response(status: str, text: str, *, kind: str = "text/plain; charset=utf-8", with_body: bool = True) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (body if with_body else b"")
