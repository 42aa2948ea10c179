"""A frame socket for a thread that has nothing else to do."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from mobileops.errors import PluginGone, ProtocolViolation
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import ANSWERS, MAX_FRAME_BYTES, Frame, Kind, encode


class BlockingChannel:
    """A frame socket for a thread that has nothing else to do: the plugin's serving loop, the command line.

    Sending is not locked; callers with several threads hold a lock of their own.
    """

    def __init__(self, connection: socket.socket, *, limit: int = MAX_FRAME_BYTES) -> None:
        """Take over a connected stream socket in blocking mode."""
        self._socket = connection
        self._decoder = Decoder(limit=limit)
        self._ready: list[Frame] = []

    def send(self, frame: Frame) -> None:
        """Write one frame completely.

        Raises:
            PluginGone: the other side is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        self.send_wire(encode(frame))

    def send_wire(self, wire: bytes | bytearray) -> None:
        """Write what `encode` returned, or several of them joined.

        Raises:
            PluginGone: the other side is gone.
        """
        try:
            self._socket.sendall(wire)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _gone() from error

    def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        if not self._ready:
            self._ready = self.receive_all()
        return self._ready.pop(0)

    def receive_all(self) -> list[Frame]:
        """Wait for frames and return those that arrived together, at least one.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames, self._ready = self._ready, []
        while not frames:
            frames = self._read(0)
        return frames

    def receive_ready(self) -> list[Frame]:
        """Return the frames that have arrived, without waiting.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames, self._ready = self._ready, []
        try:
            return frames + self._read(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return frames

    def _read(self, flags: int) -> list[Frame]:
        try:
            frames = self._decoder.read(self._socket, flags)
        except ConnectionResetError as error:
            raise _gone() from error
        if frames is None:
            raise _gone()
        return frames

    def request(self, kind: Kind, method: str, body: Any, *, request_id: int = 1) -> Frame:  # noqa: ANN401  msgpack values
        """Send one request and wait for its answer.

        Raises:
            ProtocolViolation: the answer belongs to another request.
        """
        self.send(Frame(kind, request_id, method, body))
        answer = self.receive()
        if answer.id != request_id or answer.kind not in ANSWERS:
            raise ProtocolViolation(
                f"expected the answer to request {request_id}, got {answer.kind.name} {answer.id}", code="MOP5003"
            )
        return answer

    def hang_up(self) -> None:
        """End the connection for both sides, also while another thread waits in `receive`."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and close the socket."""
        self.hang_up()
        self._socket.close()


def _gone() -> PluginGone:
    return PluginGone("the other side closed the connection", code="MOP5004")
