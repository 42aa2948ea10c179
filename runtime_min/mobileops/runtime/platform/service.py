"""The platform API's operations: what a plugin's request becomes, once its permission has been found sufficient."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, cast

from mobileops.errors import HostFault, NotFoundError
from mobileops.runtime.isolation.policy import ASSETS
from mobileops.runtime.platform import foreign, providers
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.routing.events import Source
from mobileops.runtime.routing.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.platform.assets import Stored
    from mobileops.runtime.platform.providers import (
        AiProvider,
        AssetProvider,
        DeviceProvider,
        NetworkProvider,
        Surroundings,
    )

MODEL_SUFFIX: Final = ".onnx"


class Platform:
    """The platform of one plugin manager; a provider is made when it is first needed."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Offer everything; nothing is started yet."""
        self._surroundings = surroundings
        self._receipts = Receipts(surroundings.home)
        self._made: dict[str, Any] = {}

    def operations(self) -> dict[str, Operation]:
        """Return what plugins may ask for."""
        return {
            "ai.inference": Operation(self._infer),
            "ai.load": Operation(self._load_model),
            "assets.get": Operation(self._get_asset),
            "devices.list": Operation(self._list_devices),
            "network.status": Operation(self._network_status),
        }

    def sources(self) -> tuple[Source, ...]:
        """Return what emits events while somebody may hear them."""
        return (Source(providers.DEVICE_TOPICS, begin=self._watch_devices, end=self._ignore_devices),)

    def close(self) -> None:
        """End what the providers run."""
        for part in ("ai", "devices"):
            if part in self._made:
                with suppress(HostFault):  # of somebody else; what it still runs ends with the plugin manager
                    self._made.pop(part).close()

    def _watch_devices(self) -> str | None:
        try:
            return self._devices().watch()
        except HostFault as error:
            return f"there are no events of devices: {error.what} [{error.code}]"

    def _ignore_devices(self) -> None:
        if "devices" in self._made:
            with suppress(HostFault):  # of somebody else; what it still emits is heard by nobody
                self._made["devices"].close()

    async def _get_asset(self, instance: Instance, body: Mapping[str, Any]) -> dict[str, Any]:
        stored = await self._asset(instance, str(body["name"]))
        mounted = instance.launched is None or instance.launched.level == "FULL"
        path = f"{ASSETS}/{stored.path.name}" if mounted else str(stored.path)
        return {"path": path, "size": stored.entry.size, "sha256": stored.entry.sha256}

    async def _load_model(self, instance: Instance, body: Mapping[str, Any]) -> Mapping[str, Any]:
        name, path = await self._model(instance, body)
        return await self._ai().load(name, path)

    async def _infer(self, instance: Instance, body: Mapping[str, Any]) -> Mapping[str, Any]:
        name, path = await self._model(instance, body)
        return await self._ai().infer(name, path, body["input"])

    async def _model(self, instance: Instance, body: Mapping[str, Any]) -> tuple[str, Path]:
        """Return the name and the file of a model: an asset, or one of the plugin's own signed files."""
        if "model" in body:
            stored = await self._asset(instance, str(body["model"]))
            return str(body["model"]), stored.path
        inside = PurePosixPath(str(body["file"]))
        path = self._receipts.folder(instance.receipt).joinpath(*inside.parts)
        if inside.is_absolute() or ".." in inside.parts or inside.suffix != MODEL_SUFFIX or not path.is_file():
            raise NotFoundError(
                f"{instance.name!r} has no model {str(inside)!r}",
                code="MOP5320",
                why=f"a model of its own is a file of its bundle that ends in {MODEL_SUFFIX}",
                fix="name it relative to plugin.json, or add it with: mobileops assets add",
            )
        return f"{instance.name}/{inside}", path

    def _ai(self) -> AiProvider:
        return cast("AiProvider", self._provider("ai", _embedded_ai))

    async def _network_status(self, _instance: Instance, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        provider = cast("NetworkProvider", self._provider("network", _embedded_network))
        return await asyncio.to_thread(provider.status)

    async def _list_devices(self, _instance: Instance, _body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._devices().devices)

    def _devices(self) -> DeviceProvider:
        return cast("DeviceProvider", self._provider("devices", _embedded_devices))

    async def _asset(self, instance: Instance, name: str) -> Stored:
        """Return an asset whose content is what it must be: the digest that the plugin declares, if it does."""
        provider = cast("AssetProvider", self._provider("assets", _embedded_assets))
        declared = self._receipts.manifest(instance.receipt).document.get("assets", {}).get(name, {})
        stored = provider.find(name, sha256=declared.get("digest", "").removeprefix("sha256:") or None)
        await asyncio.to_thread(provider.check, stored)
        return stored

    def _provider(self, part: str, embedded: Callable[[Surroundings], Any]) -> Any:  # noqa: ANN401  one of four Protocols
        if part not in self._made:
            offer = providers.found(part)
            around = self._surroundings
            self._made[part] = embedded(around) if offer is None else foreign.make(offer, around)
        return self._made[part]


def _embedded_assets(surroundings: Surroundings) -> AssetProvider:
    from mobileops.runtime.platform.assets import Assets  # noqa: PLC0415  once it is needed

    return Assets(surroundings.home)


def _embedded_ai(surroundings: Surroundings) -> AiProvider:
    from mobileops.runtime.platform.ai import SandboxedAi  # noqa: PLC0415  once it is needed

    return SandboxedAi(surroundings)


def _embedded_devices(surroundings: Surroundings) -> DeviceProvider:
    from mobileops.runtime.platform.devices import KernelDevices  # noqa: PLC0415  once it is needed

    return KernelDevices(surroundings.emit)


def _embedded_network(_surroundings: Surroundings) -> NetworkProvider:
    from mobileops.runtime.platform.network import KernelNetwork  # noqa: PLC0415  once it is needed

    return KernelNetwork()
