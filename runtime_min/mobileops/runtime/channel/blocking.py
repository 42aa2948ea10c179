"""A frame socket for a thread that has nothing else to do."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Final

import msgspec

from mobileops.errors import PluginGone, ProtocolViolation
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import ANSWERS, LENGTH, MAX_FRAME_BYTES, Frame, Kind, encode, malformed, too_long

_FRAMES: Final = msgspec.msgpack.Decoder(Frame)


class BlockingChannel:
    """A frame socket for a thread that has nothing else to do: the plugin's serving loop, the command line.

    Sending is not locked; callers with several threads hold a lock of their own.

    Attributes:
        write: sends all of some bytes; raises what the socket raises.
    """

    def __init__(self, connection: socket.socket, *, limit: int = MAX_FRAME_BYTES) -> None:
        """Take over a connected stream socket in blocking mode."""
        self.write = connection.sendall
        self._socket = connection
        self._decoder = Decoder(limit=limit)
        self._ready: list[Frame] = []

    def decode_with(self, decoder: Decoder) -> None:
        """Have what arrives from now on cut and decoded by something else."""
        self._decoder = decoder

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
            self.write(wire)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise gone() from error

    def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames = self._ready or self.receive_all()
        frame = frames.pop(0)
        self._ready = frames
        return frame

    def receive_alone(self) -> Frame | None:
        """Wait for the one frame that is under way, and read no byte of what follows it; None at the end.

        Raises:
            ProtocolViolation: it is no frame.
        """
        payload, whole = b"", socket.MSG_WAITALL
        with suppress(ConnectionResetError):
            head = self._socket.recv(LENGTH.size, whole)
            size = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
            if size > MAX_FRAME_BYTES:
                raise too_long(size, MAX_FRAME_BYTES)
            payload = self._socket.recv(size, whole) if size else b""
        try:
            return _FRAMES.decode(payload) if payload else None
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise malformed(error) from error

    def receive_all(self) -> list[Frame]:
        """Wait for frames and return those that arrived together, at least one.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames, self._ready = self._ready, []
        try:
            while not frames:
                arrived = self._decoder.read(self._socket)
                if arrived is None:
                    raise gone()
                frames = arrived
        except ConnectionResetError as error:
            raise gone() from error
        return frames

    def receive_ready(self) -> list[Frame]:
        """Return the frames that have arrived, without waiting.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames, self._ready = self._ready, []
        try:
            more = self._decoder.read(self._socket, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return frames
        except ConnectionResetError as error:
            raise gone() from error
        if more is None:
            raise gone()
        return frames + more

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


def gone() -> PluginGone:
    """Return what the end of a connection is to whoever needs it."""
    return PluginGone("the other side closed the connection", code="MOP5004")
