"""An editor's half of the Debug Adapter Protocol (https://microsoft.github.io/debug-adapter-protocol/)."""

from __future__ import annotations

import json
import socket
from typing import Any, Final, Self

TIMEOUT_S: Final = 120


class Editor:
    """One connection to a debugger: requests are answered in any order, with events between them."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._stream = self._socket.makefile("rb")
        self._events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._last = 0

    def __enter__(self) -> Self:
        """Be closed at the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Hang up without a word."""
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self._stream.close()
        self._socket.close()

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request and return its number."""
        self._last += 1
        request = {"seq": self._last, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(request).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        return self._last

    def answer(self, number: int) -> dict[str, Any]:
        """Wait for the answer to a request, which must be a success, and return its body."""
        while number not in self._answers:
            self._read()
        answer = self._answers.pop(number)
        assert answer["success"], answer
        return answer.get("body") or {}

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return the body of its answer."""
        return self.answer(self.send(command, **arguments))

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event and return its body."""
        while True:
            for place, event in enumerate(self._events):
                if event["event"] == name:
                    return self._events.pop(place).get("body") or {}
            self._read()

    def attach(self, source: str, line: int, *, mappings: list[dict[str, str]]) -> None:
        """Attach as an editor does, with one breakpoint."""
        self.ask("initialize", clientID="test", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        attaching = self.send("attach", pathMappings=mappings, justMyCode=True)
        self.event("initialized")
        found = self.ask("setBreakpoints", source={"path": source}, breakpoints=[{"line": line}])
        assert found["breakpoints"][0]["verified"], found
        self.ask("configurationDone")
        self.answer(attaching)

    def variables(self, thread: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the frame that a thread stands in, and its local variables: name -> representation."""
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        scopes = self.ask("scopes", frameId=frame["id"])["scopes"]
        found = self.ask("variables", variablesReference=scopes[0]["variablesReference"])["variables"]
        return frame, {variable["name"]: variable["value"] for variable in found}

    def _read(self) -> None:
        size = 0
        while line := self._stream.readline().strip():
            name, _colon, value = line.partition(b":")
            if name == b"Content-Length":
                size = int(value)
        if not size:
            raise ConnectionResetError
        message = json.loads(self._stream.read(size))
        if message["type"] == "event":
            self._events.append(message)
        elif message["type"] == "response":
            self._answers[message["request_seq"]] = message
