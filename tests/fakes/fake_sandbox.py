"""A sandbox for the stand-in of `mobileops.plugin.confined`, without a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class FakeSandbox:
    """Answers as it is told to, and remembers what it was asked."""

    name = "echo"
    version = "1.0.0"

    def __init__(self, app: Path, **answers: Any) -> None:
        self.app = app
        self.answers = {"start": frozenset({"echo"}), "health": True, **answers}
        self.asked: list[Any] = []

    def _answer(self, what: str) -> Any:
        self.asked.append(what)
        answer = self.answers.get(what)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def configuration(self) -> dict[str, Any]:
        """Return a setting."""
        return {"timeout": 5}

    def start(self) -> Any:
        """Start."""
        return self._answer("start")

    def stop(self) -> None:
        """Stop."""
        self._answer("stop")

    def call(self, method: str, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Call."""
        self.asked.append((method, args, dict(kwargs)))
        return self._answer("call")

    def health(self) -> Any:
        """Return the health."""
        return self._answer("health")

    def reload(self) -> None:
        """Reload."""
        self._answer("reload")

    def emit(self, topic: str, event: Any) -> None:
        """Remember an event."""
        self.asked.append((topic, dict(event)))

    def records(self) -> list[dict[str, Any]]:
        """Return one line."""
        return [{"level": "INFO", "message": "hello"}]

    def add_asset(self, name: str, content: Any) -> None:
        """Remember an asset."""
        self.asked.append((name, content))

    def denials(self) -> list[str]:
        """Return none."""
        return []

    def close(self) -> None:
        """End."""
        self.asked.append("close")
