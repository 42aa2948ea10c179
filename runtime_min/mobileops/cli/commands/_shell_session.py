"""One open shell: statements go to the plugin manager, what came of them comes back; Ctrl-C interrupts."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import from_dict
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.routing.shells import not_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.manager.client import Client

_OPENED: Final = 1
"""The number of the request that keeps the shell open."""


class ShellSession:
    """A shell of a plugin.

    Attributes:
        facts: ``{"session": number, "version": text, "pid": number or None}``.
    """

    def __init__(self, client: Client, name: str, *, timeout_s: float) -> None:
        """Open it.

        Args:
            client: which nothing else is asked.
            name: of the plugin.
            timeout_s: how long one statement may take.

        Raises:
            MobileOpsError: whatever the plugin manager answered.
        """
        self._client = client
        self._name = name
        self._timeout_s = timeout_s
        self._last = _OPENED
        self._interrupts, self._is_asked = 0, False
        client.post(_OPENED, "shell", name=name, stream=True)
        self.facts: dict[str, Any] = self._answer(_OPENED)

    def run(self, source: str, *, script: bool = False) -> dict[str, Any]:
        """Run something, and return what came of it.

        Raises:
            MobileOpsError: whatever the plugin manager answered.
            PluginError: the plugin has ended (MOP5604).
            KeyboardInterrupt: it was interrupted, and when nothing came of that, interrupted again.
        """
        self._last += 1
        number = self._last
        asked = {"source": source, "script": script, "deadline_s": self._timeout_s}
        with self._interrupting():
            self._client.post(number, "shell-run", session=self.facts["session"], **asked)
            self._is_asked = True
            if self._interrupts:
                self._pass_on()
            return dict(self._answer(number))

    def _answer(self, number: int) -> Any:  # noqa: ANN401  plain values
        while True:
            frame = self._client.receive()
            if frame.id == number:
                if frame.kind is Kind.ERROR:
                    raise from_dict(frame.body)
                return frame.body
            if frame.id == _OPENED:
                raise not_open(f"{self._name!r} has ended, and its shell with it")

    @contextmanager
    def _interrupting(self) -> Iterator[None]:
        """Have Ctrl-C interrupt the statement, and not this command in the middle of a frame."""
        self._interrupts, self._is_asked = 0, False
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, _number: int, _frame: object) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt
        if self._is_asked:  # not in the middle of another frame
            self._pass_on()

    def _pass_on(self) -> None:
        self._last += 1
        self._client.post(self._last, "shell-interrupt", session=self.facts["session"])
