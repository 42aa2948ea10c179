"""The HTTP server of an instance: who may ask, how much, and which answer a failure gets."""

from __future__ import annotations

import os
import re
import socket
import socketserver
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault, MobileOpsError
from mobileops.manifest.json_text import canonical
from mobileops.toolchain.sign.local import utc_now
from mobileops.toolchain.sign.serve import peer
from mobileops.toolchain.sign.serve.endpoints import JSON, Denied, Endpoints, Malformed
from mobileops.toolchain.sign.serve.token import TokenMint
from mobileops.toolchain.sign.trusted_root import TIMESTAMP_PATH

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mobileops.toolchain.sign.local import LocalInstance

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 8 << 20
TIMEOUT_S: Final = 10.0
ROOT_UID: Final = 0
CERTIFICATE_PATH: Final = "/api/v2/signingCert"
ENTRY_PATH: Final = "/api/v1/log/entries"
TIMESTAMP_QUERY: Final = "application/timestamp-query"
TIMESTAMP_REPLY: Final = "application/timestamp-reply"
BEARER: Final = "Bearer "

_SIZE: Final = re.compile(r"[0-9]{1,10}")


class InstanceServer(ThreadingHTTPServer):
    """An instance on a port of loopback; ``serve_forever`` serves it, ``shutdown`` ends that."""

    daemon_threads = True

    def __init__(
        self,
        instance: LocalInstance,
        *,
        identity: str,
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
        owner_of: Callable[[peer.Address, peer.Address], int | None] = peer.owner,
    ) -> None:
        """Listen.

        Args:
            instance: who signs.
            identity: whom every certificate names.
            port: where; 0 lets the kernel choose.
            clock: the time in UTC.
            owner_of: whose socket the other end of a connection is.

        Raises:
            HostFault: ``MOP3240``, the port cannot be had.
        """
        self._owner_of = owner_of
        self.mint = TokenMint(issuer=instance.issuer, identity=identity, now=clock())
        self.endpoints = Endpoints(instance, self.mint, clock)
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise HostFault(
                f"nothing can be served on port {port}: {error}",
                code="MOP3240",
                fix="choose another port, or none: then a free one is taken",
            ) from error

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    @property
    def authority(self) -> str:
        """Host and port, as a client names them."""
        return f"{HOST}:{self.server_port}"

    @property
    def url(self) -> str:
        """Where the services are."""
        return f"http://{self.authority}"

    def trust_config_json(self) -> bytes:
        """Return what ``sigstore --trust-config`` reads to sign here."""
        return self.endpoints.instance.client_trust_config_json(url=self.url)

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002 - as the base class
        """Let in only connections of this account and of root, before a thread is spent on them."""
        assert isinstance(request, socket.socket)  # noqa: S101 - the base class promises less than it gives
        try:
            uid = self._owner_of(request.getpeername(), request.getsockname())
        except (OSError, ValueError, IndexError):
            return False
        return uid in {os.geteuid(), ROOT_UID}

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a connection that ended early: it is the client who is told of failures."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: InstanceServer
    timeout = TIMEOUT_S
    protocol_version = "HTTP/1.1"
    server_version = "mobileops"
    sys_version = ""

    def do_POST(self) -> None:
        """Answer what a client of one of the three services asks."""
        endpoints = self.server.endpoints
        bearer = self.headers.get("Authorization", "").removeprefix(BEARER)
        routes: dict[str, tuple[str, str, HTTPStatus, Callable[[bytes], bytes]]] = {
            CERTIFICATE_PATH: (JSON, JSON, HTTPStatus.CREATED, lambda body: endpoints.certificate(body, bearer)),
            ENTRY_PATH: (JSON, JSON, HTTPStatus.CREATED, endpoints.entry),
            TIMESTAMP_PATH: (TIMESTAMP_QUERY, TIMESTAMP_REPLY, HTTPStatus.OK, endpoints.timestamp),
        }
        takes, gives, status, answer = routes.get(self.path, ("", "", HTTPStatus.NOT_FOUND, bytes))
        body = self._body(takes)
        if body is None:
            return
        try:
            self._send(status, gives, answer(body))
        except Denied:
            self._refuse(HTTPStatus.UNAUTHORIZED, "the token is not the one of this server")
        except Malformed as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except MobileOpsError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error.what} [{error.code}]")

    def _body(self, takes: str) -> bytes | None:
        """Return the body of a request that may be answered; otherwise refuse it and return None."""
        size = self.headers.get("Content-Length", "")
        if self.headers.get("Host") != self.server.authority:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this is not the server that the request names")
        elif not takes:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such service")
        elif self.headers.get_content_type() != takes:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body must be {takes}")
        elif not _SIZE.fullmatch(size) or int(size) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must have at most {MAX_BODY_BYTES:,} bytes")
        else:
            return self.rfile.read(int(size))
        return None

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True  # what is left of the body is not read
        self._send(status, JSON, canonical({"code": int(status), "message": message}))

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Write nothing: a library does not print."""
