"""The platform's services, as a plugin sees them: ``self.get_platform_api()``.

============================== ========================= =====================================
call                           permission                returns
============================== ========================= =====================================
``assets.get(name)``           ``api.platform.assets``   `Asset`: a file, read-only
``ai.inference(model, input)`` ``api.platform.ai``       `Prediction`
``ai.load(model)``             ``api.platform.ai``       `Model`, for many predictions
``network.get_status()``       ``api.platform.network``  `NetworkStatus`
``devices.list()``             ``api.platform.devices``  `Device` of each
============================== ========================= =====================================

Each call is a request to the plugin manager, which checks the permission of the channel. ``api.platform`` is all of
them. Every call raises `PermissionDenied` when the manifest does not declare what it needs.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mobileops.plugin.host import Host


@dataclasses.dataclass(frozen=True, slots=True)
class Asset:
    """A file of the Asset Manager, which this plugin may read.

    Attributes:
        name: what it was asked for as.
        path: where it is; nobody can write it.
        size: in bytes.
        sha256: of its content, lowercase hex, as the plugin manager has just made sure.
    """

    name: str
    path: Path
    size: int
    sha256: str

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return self.path.open("rb")

    def read_bytes(self) -> bytes:
        """Return all of it."""
        return self.path.read_bytes()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says about one input.

    It is also the sequence of the model's first output, so that ``numpy.max(prediction)`` and ``prediction.tolist()``
    do what one expects of an array.

    Attributes:
        outputs: name -> nested lists of numbers or texts, in the model's order.
        label: the most probable class by name; None when the model has no labels or several inputs went in at once.
        confidence: its probability, 0 to 1; None when ``label`` is.
    """

    outputs: Mapping[str, Any]
    label: str | None = None
    confidence: float | None = None

    def tolist(self) -> Any:  # noqa: ANN401  as deep as the model's output
        """Return the first output as nested lists."""
        return next(iter(self.outputs.values()), None)

    def __len__(self) -> int:
        return len(self.tolist())

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401  as deep as the model's output
        return self.tolist()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __bool__(self) -> bool:
        """A prediction is something, even of nothing."""
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: of the tensor.
        type: ONNX's name, such as ``tensor(float)``.
        shape: length of each dimension; a name or None where it may vary.
    """

    name: str
    type: str
    shape: tuple[int | str | None, ...]


class Model:
    """A model that the platform has loaded for this plugin.

    Attributes:
        name: as it was asked for.
        labels: names of the classes, in the order of the first output; empty when the model says none.
        inputs: what it takes.
        outputs: what it gives.
    """

    def __init__(self, host: Host, which: Mapping[str, str], facts: Mapping[str, Any]) -> None:
        """Refer to a loaded model; `Ai.load` makes it."""
        self._host = host
        self._which = dict(which)
        self.name = next(iter(which.values()))
        self.labels = tuple(facts.get("labels", ()))
        self.inputs = _tensors(facts.get("inputs", ()))
        self.outputs = _tensors(facts.get("outputs", ()))

    def predict(self, input: Any) -> Prediction:  # noqa: A002, ANN401  the mission's word; an array, numbers or a text
        """Run the model on one input; see `Ai.inference`."""
        return _prediction(self._host.ask("ai.inference", {**self._which, "input": input}))


class Ai:
    """The AI Core."""

    def __init__(self, host: Host) -> None:
        """Use a plugin's host."""
        self._host = host

    def inference(self, *, model: str, input: Any) -> Prediction:  # noqa: A002, ANN401  the mission's words
        """Run a model of the Asset Manager on one input.

        Args:
            model: the asset's name.
            input: a text for models that take texts, else nested lists of numbers or an array; a mapping from names
                for models with several inputs.

        Raises:
            NotFoundError: there is no such asset.
            PluginError: it is no model that can be run, or does not take this input.
            HostFault: the platform has no inference engine.
        """
        return _prediction(self._host.ask("ai.inference", {"model": model, "input": input}))

    def load(self, model: str) -> Model:
        """Load a model of the Asset Manager, so that its first prediction does not wait for that.

        Raises:
            NotFoundError: there is no such asset.
            PluginError: it is no model that can be run.
            HostFault: the platform has no inference engine.
        """
        return self._load({"model": model})

    def load_file(self, path: str) -> Model:
        """Load an ONNX model from the plugin's own files.

        Args:
            path: relative to plugin.json.
        """
        return self._load({"file": path})

    def _load(self, which: Mapping[str, str]) -> Model:
        return Model(self._host, which, self._host.ask("ai.load", which))


class Assets:
    """The Asset Manager."""

    def __init__(self, host: Host) -> None:
        """Use a plugin's host."""
        self._host = host

    def get(self, name: str) -> Asset:
        """Return an asset: the one with the digest that plugin.json declares under ``assets``, else the one so named.

        Raises:
            NotFoundError: the operator has added no such asset.
            RefusedError: its content is not what it must be.
        """
        found = self._host.ask("assets.get", {"name": name})
        return Asset(name, Path(found["path"]), int(found["size"]), str(found["sha256"]))


@dataclasses.dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of the device.

    Attributes:
        name: as the kernel names it.
        type: ``loopback``, ``ethernet``, ``wireless``, ``bridge``, ``tunnel`` or ``other``.
        state: ``up``, ``down`` or ``unknown`` (loopback and tunnels do not tell).
        addresses: with prefix length, such as ``192.0.2.7/24``; IPv4 before IPv6.
        mac: hardware address, None when it has none.
        mtu: in bytes.
    """

    name: str
    type: str
    state: str
    addresses: tuple[str, ...]
    mac: str | None
    mtu: int


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkStatus:
    """What the device is connected to; says nothing about what this plugin may reach.

    Attributes:
        online: whether an interface other than the loopback is up and has an address that reaches beyond its link.
        interfaces: by name.
    """

    online: bool
    interfaces: tuple[Interface, ...]


class Network:
    """The network service."""

    def __init__(self, host: Host) -> None:
        """Use a plugin's host."""
        self._host = host

    def get_status(self) -> NetworkStatus:
        """Return the device's network interfaces as they are now."""
        found = self._host.ask("network.status", {})
        interfaces = tuple(Interface(**{**one, "addresses": tuple(one["addresses"])}) for one in found["interfaces"])
        return NetworkStatus(bool(found["online"]), interfaces)


@dataclasses.dataclass(frozen=True, slots=True)
class Device:
    """A device that the kernel knows.

    Attributes:
        id: subsystem and name, ``block:sda``; the ``device_id`` of events.
        subsystem: ``block``, ``net``, ``usb`` and others.
        name: the kernel's.
        properties: what is known of it, such as ``vendor``, ``product`` or ``size``.
    """

    id: str
    subsystem: str
    name: str
    properties: Mapping[str, str]


class Devices:
    """The devices; subscribe to ``device.connected`` and ``device.disconnected`` to hear of changes."""

    def __init__(self, host: Host) -> None:
        """Use a plugin's host."""
        self._host = host

    def list(self) -> tuple[Device, ...]:
        """Return the devices that are connected now, by id."""
        found = self._host.ask("devices.list", {})
        return tuple(Device(one["id"], one["subsystem"], one["name"], dict(one["properties"])) for one in found)


class PlatformApi:
    """What the platform offers to a plugin; each part needs its permission, at each call.

    Attributes:
        ai: run models.
        assets: read model weights and other large files.
        network: see the device's network interfaces.
        devices: see the device's devices.
    """

    def __init__(self, host: Host) -> None:
        """Use a plugin's host; costs nothing before the first call."""
        self.ai = Ai(host)
        self.assets = Assets(host)
        self.network = Network(host)
        self.devices = Devices(host)


def _prediction(answer: Mapping[str, Any]) -> Prediction:
    return Prediction(dict(answer["outputs"]), answer.get("label"), answer.get("confidence"))


def _tensors(found: Any) -> tuple[Tensor, ...]:  # noqa: ANN401  a list of mappings
    return tuple(Tensor(one["name"], one["type"], tuple(one["shape"])) for one in found)
