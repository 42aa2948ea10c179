"""The platform of a unit test: permissions as plugin.json declares them, answers as the test prepares them.

::

    self.host.assets["model-weights"] = b"..."                  # or a Path
    self.host.models["sentiment-analysis"] = lambda text: ("positive", 0.9)
    self.host.replies["other-plugin"] = {"done": True}          # what send_message(...).result() returns
    self.host.answers["network.status"] = HostFault(...)        # any operation: a value, an error, or a function
    self.host.emit("device.connected", {"device_id": "usb:1-1"})
    self.assertEqual(self.host.published, [("job.done", {"id": 1})])
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import NotFoundError
from mobileops.manifest import Permission
from mobileops.manifest.permissions import covers
from mobileops.plugin.needs import denied, needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

QUIET_NETWORK: Final = {
    "online": False,
    "interfaces": [
        {"name": "lo", "type": "loopback", "state": "unknown", "addresses": ["127.0.0.1/8"], "mac": None, "mtu": 65536}
    ],
}


class FakePlatform:
    """Answers what a plugin asks, in memory.

    Attributes:
        asked: every request, ``(operation, body)``, oldest first; refused ones too.
        denied: those that plugin.json does not declare a permission for, each in words.
        answers: operation -> what to answer instead: a value, an exception to raise, or a function of the body.
        assets: name -> content, or the path of a file.
        models: asset name or path of a model -> a function from input to a label, to ``(label, confidence)``, or to a
            mapping of outputs.
        replies: plugin -> what it responds to a message.
        network: what ``network.get_status()`` returns, as plain values.
        devices: what ``devices.list()`` returns, as plain values.
    """

    def __init__(self, name: str, permissions: Iterable[str]) -> None:
        """Make the platform of one plugin.

        Args:
            name: the plugin.
            permissions: those of its manifest.
        """
        self._name = name
        self._granted = tuple(map(Permission.parse, permissions))
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._targets: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.denied: list[str] = []
        self.answers: dict[str, Any] = {}
        self.assets: dict[str, bytes | Path] = {}
        self.models: dict[str, Callable[[Any], Any]] = {}
        self.replies: dict[str, Any] = {}
        self.network: Mapping[str, Any] = QUIET_NETWORK
        self.devices: list[Mapping[str, Any]] = []
        self._known: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "ai.inference": self._infer,
            "ai.load": self._load,
            "assets.get": self._asset,
            "devices.list": lambda _body: self.devices,
            "event.publish": lambda _body: 0,
            "message.result": self._result,
            "message.send": self._send,
            "network.status": lambda _body: self.network,
        }

    def ask(self, operation: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever the test prepared
        """Check the permission like the plugin manager, then give the prepared answer.

        Raises:
            PermissionDenied: plugin.json does not declare what this needs.
            Exception: the prepared one.
        """
        self.asked.append((operation, dict(body)))
        need = needed(operation, body)
        if need is not None and not any(covers(one, need[0]) for one in self._granted):
            self.denied.append(f"{operation} {need[1]} needs {str(need[0])!r}")
            raise denied(self._name, need[0], self._granted)
        if operation not in self.answers:
            known = self._known.get(operation)
            return None if known is None else known(body)
        answer = self.answers[operation]
        if isinstance(answer, BaseException):
            raise answer
        return answer(body) if callable(answer) else answer

    @property
    def published(self) -> list[tuple[str, Any]]:
        """The events that were published, ``(topic, event)``."""
        return [(body["topic"], body["event"]) for operation, body in self.asked if operation == "event.publish"]

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """The messages that were sent, ``(target, message)``."""
        return [(body["to"], body["body"]) for operation, body in self.asked if operation == "message.send"]

    def close(self) -> None:
        """Remove the files that stood for assets."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _send(self, body: Mapping[str, Any]) -> int:
        self._targets.append(str(body["to"]))
        return len(self._targets)

    def _result(self, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever the test prepared
        return self.replies.get(self._targets[body["id"] - 1])

    def _asset(self, body: Mapping[str, Any]) -> dict[str, Any]:
        content = self.assets.get(body["name"])
        if content is None:
            raise _absent(str(body["name"]), "assets")
        if isinstance(content, bytes):
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="mobileops-assets-")
            path = Path(self._folder.name) / hashlib.sha256(content).hexdigest()
            path.write_bytes(content)
        else:
            path = content.resolve()
        data = path.read_bytes()
        return {"path": str(path), "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def _model(self, body: Mapping[str, Any]) -> Callable[[Any], Any]:
        name = str(body.get("model") or body.get("file"))
        if name not in self.models:
            raise _absent(name, "models")
        return self.models[name]

    def _load(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._model(body)
        return {"inputs": [], "outputs": [], "labels": []}

    def _infer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = self._model(body)(body["input"])
        if isinstance(found, str):
            found = (found, 1.0)
        if isinstance(found, tuple):
            label, confidence = found
            return {"outputs": {"probabilities": [confidence]}, "label": label, "confidence": confidence}
        return {"outputs": found, "label": None, "confidence": None}


def _absent(name: str, where: str) -> NotFoundError:
    return NotFoundError(
        f"there is no asset {name!r}",
        code="MOP5322",
        where="the unit test",
        fix=f"prepare it: self.host.{where}[{name!r}] = …",
    )
