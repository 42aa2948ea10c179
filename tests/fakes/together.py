"""A supervisor in the test's own event loop, a home with signed plugins, and any launcher."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mobileops.runtime import logs
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.supervisor import Supervisor
from tests.fakes.signed_bundle import Publisher
from tests.fakes.unconfined_launcher import UnconfinedLauncher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


class Bench:
    """A supervisor and what is installed in its home; without a sandbox unless a launcher is given."""

    def __init__(self, root: Path, *, launcher: Callable[[Home], Any] | None = None) -> None:
        self.home = Home(root / "home").prepare()
        self.store = Store(self.home)
        self.publisher = Publisher(self.home, root)
        self.launcher: Any = launcher(self.home) if launcher else UnconfinedLauncher()

    def install(self, name: str, code: str, *permissions: str, **plugin: Any) -> None:
        """Publish and install a plugin."""
        bundle = self.publisher.publish(name, code=code, permissions=list(permissions), **plugin)
        self.store.install(bundle, verify=self.publisher.decision())

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[Supervisor]:
        """Start plugins, and stop everything afterwards."""
        one = Supervisor(self.home, store=self.store, launcher=lambda: self.launcher)
        asyncio.get_running_loop().add_reader(self.launcher.fileno(), one.reap)
        try:
            for name in names:
                await one.start(name)
            yield one
        finally:
            await one.stop_all()
            asyncio.get_running_loop().remove_reader(self.launcher.fileno())

    def errors(self, name: str) -> list[str]:
        """Return the messages of a plugin's log that are errors or warnings."""
        return [one.message for one in logs.read(self.home, plugin=name) if one.level in {"ERROR", "WARNING"}]


async def call(one: Supervisor, name: str, method: str, *args: Any) -> Any:
    """Call a method with positional arguments."""
    return await one.call(name, method, body={"args": list(args), "kwargs": {}})


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.005)
