"""A command that goes on, and what it has printed so far."""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

PATIENCE_S = 120.0


class RunningCommand:
    """Reads both outputs of a process, which are pipes of text; kills it at the end of the block if it still runs.

    Attributes:
        lines: what was printed, in the order of its arrival.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._seen = 0
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=(one,)) for one in (process.stdout, process.stderr)]

    def __enter__(self) -> Self:
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def until(self, text: str) -> str:
        """Return the first line, behind those that were waited for before, that contains a text."""
        with self._news:
            found: list[int] = []

            def there() -> bool:
                found[:] = [at for at in range(self._seen, len(self.lines)) if text in self.lines[at]][:1]
                return bool(found)

            assert self._news.wait_for(there, PATIENCE_S), f"no {text!r} in:\n{self.text}"
            self._seen = found[0] + 1
            return self.lines[found[0]]

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    @property
    def text(self) -> str:
        """Everything that was printed so far."""
        return "".join(self.lines)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self.lines.append(line)
                    self._news.notify_all()
