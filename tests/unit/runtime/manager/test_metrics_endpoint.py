"""`mobileops.runtime.manager.metrics_endpoint`: one page, for this host alone."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault
from mobileops.runtime.home import Home
from mobileops.runtime.manager import metrics_endpoint
from mobileops.runtime.manager.metrics_endpoint import MetricsEndpoint
from mobileops.runtime.metrics import settings
from tests.fakes.reserved_port import reserved_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def asked(home: Home, *requests: bytes, connect: Callable[[], socket.socket]) -> list[bytes]:
    """Return what is answered to each request."""

    def ask(request: bytes) -> bytes:
        with connect() as one:
            one.sendall(request)
            with suppress(ConnectionResetError):
                return b"".join(iter(lambda: one.recv(4096), b""))
            return b""

    async def scenario() -> list[bytes]:
        endpoint = MetricsEndpoint(home, lambda: "metrics\n")
        await endpoint.open()
        try:
            return [await asyncio.to_thread(ask, request) for request in requests]
        finally:
            await endpoint.close()

    return asyncio.run(scenario())


def over_tcp(home: Home, *requests: bytes) -> list[bytes]:
    with reserved_port() as port:
        settings.save(home.metrics_settings, f"127.0.0.1:{port}")
        return asked(home, *requests, connect=lambda: socket.create_connection(("127.0.0.1", port)))


def test_the_page_is_served_on_a_unix_socket_for_this_account(home: Home) -> None:
    settings.save(home.metrics_settings, "unix")
    path = home.run / "metrics.sock"

    def connect() -> socket.socket:
        assert path.stat().st_mode & 0o777 == 0o600
        one = socket.socket(socket.AF_UNIX)
        one.connect(str(path))
        return one

    (answer,) = asked(home, b"GET /metrics HTTP/1.1\r\nHost: any\r\n\r\n", connect=connect)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0")
    assert answer.endswith(b"\r\n\r\nmetrics\n")
    assert not path.exists()


def test_only_the_page_is_served_and_only_to_names_of_loopback(home: Home) -> None:
    request = b"%s HTTP/1.1\r\nHost: %s\r\n\r\n"
    cases = {
        (b"GET /metrics", b"localhost:9464"): b"200",
        (b"GET /metrics?x=1", b"127.0.0.2"): b"200",
        (b"GET /metrics", b"[::1]:9464"): b"200",
        (b"HEAD /metrics", b"localhost"): b"200",
        (b"GET /", b"localhost"): b"404",
        (b"POST /metrics", b"localhost"): b"405",
        (b"GET /metrics", b"evil.example"): b"403",
        (b"GET /metrics", b"evil.example:9464"): b"403",
        (b"GET /metrics", b""): b"403",
    }
    answers = over_tcp(home, *(request % case for case in cases))
    assert [answer.split()[1] for answer in answers] == list(cases.values())
    assert answers[3].endswith(b"\r\n\r\n")


def test_who_speaks_no_http_gets_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_endpoint, "PATIENCE_S", 0.1)
    assert over_tcp(home, b"GET /metrics", b"x" * 20_000 + b"\r\n\r\n") == [b"", b""]


def test_too_many_at_once_get_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_endpoint, "MAX_CLIENTS", 0)
    assert over_tcp(home, b"GET /metrics HTTP/1.1\r\n\r\n") == [b""]


def test_an_address_that_another_has_is_refused(home: Home) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        settings.save(home.metrics_settings, f"127.0.0.1:{one.getsockname()[1]}")
        with pytest.raises(HostFault) as caught:
            asyncio.run(MetricsEndpoint(home, str).open())
    assert caught.value.code == "MOP5504"


def test_nothing_is_served_unless_asked_for(home: Home) -> None:
    assert asyncio.run(MetricsEndpoint(home, str).open()) is None
