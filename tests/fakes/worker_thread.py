"""A plugin's worker in a thread of the test, without the sandbox."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

from mobileops.plugin import host as hosts
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.sandboxed import worker
from mobileops.runtime.sandboxed.serving.host import WorkerHost

if TYPE_CHECKING:
    from pathlib import Path

MADE: list[Running] = []


class Running:
    """A worker in a thread, and the manager's end of its channel."""

    def __init__(self, app: Path, *, settings: dict[str, Any] | None = None, debug: bool = False) -> None:
        ours, theirs = socket.socketpair()
        MADE.append(self)
        self.channel = BlockingChannel(ours)
        document = json.loads((app / "plugin.json").read_text(encoding="utf-8"))
        self._worker_channel = BlockingChannel(theirs)
        self.host = WorkerHost(
            self._worker_channel, {"manifest": document, "settings": settings or {}, "debug": debug}, app=app
        )
        hosts.attach(self.host)
        self.gone = threading.Event()
        self.status: int | None = None
        self._thread = threading.Thread(target=self._run, args=(app,), daemon=True)
        self._thread.start()

    def _run(self, app: Path) -> None:
        self.status = worker.run(self.host, app=app, on_gone=self.gone.set)

    def notes_until(self, state: str) -> list[Frame]:
        """Return the notes up to the state note."""
        notes: list[Frame] = []
        while True:
            frame = self.channel.receive()
            notes.append(frame)
            if frame.method == "state":
                assert frame.body["state"] == state, frame.body
                return notes

    def ask(self, kind: Kind, method: str, *args: Any) -> Frame:
        """Send a request and return its answer, skipping notes."""
        self.channel.send(Frame(kind, 1, method, {"args": list(args), "kwargs": {}}))
        while (frame := self.channel.receive()).kind is Kind.NOTE:
            pass
        return frame

    def stop(self) -> int | None:
        """Stop it and return the exit status."""
        assert self.ask(Kind.CONTROL, "stop").kind is Kind.RESULT
        return self.join()

    def join(self) -> int | None:
        """Wait for the end."""
        self._thread.join(10)
        return self.status

    def close(self) -> None:
        """End it, however it stands, and close both sockets."""
        self.channel.close()
        self._thread.join(10)
        self._worker_channel.close()


def close_all() -> None:
    """End every worker that the test has made."""
    while MADE:
        MADE.pop().close()
    hosts.attach(None)
