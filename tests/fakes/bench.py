"""A supervisor over an unconfined launcher, with a publisher of test plugins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mobileops.runtime import logs
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.supervisor import Supervisor
from tests.fakes.plugin_folder import ECHO
from tests.fakes.signed_bundle import Publisher
from tests.fakes.unconfined_launcher import UnconfinedLauncher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from mobileops.runtime.supervision.timers import Timers


class Bench:
    """A supervisor with a fake launcher and a publisher."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "home").prepare()
        self.store = Store(self.home)
        self.publisher = Publisher(self.home, root)
        self.launcher = UnconfinedLauncher()

    def install(self, code: str = ECHO, **plugin: Any) -> None:
        """Publish and install a plugin called echo."""
        self.store.install(self.publisher.publish(code=code, **plugin), verify=self.publisher.decision())

    def drive(self, scenario: Callable[[Supervisor], Awaitable[None]], *, timers: Timers | None = None) -> None:
        """Run a scenario with a running loop, bounded in time; stop everything afterwards.

        Args:
            scenario: the test.
            timers: pass the time instead of the loop.
        """

        async def main() -> None:
            launcher: Any = self.launcher
            one = Supervisor(self.home, store=self.store, launcher=lambda: launcher, timers=timers)
            asyncio.get_running_loop().add_reader(self.launcher.fileno(), one.reap)
            try:
                await asyncio.wait_for(scenario(one), 30)
            finally:
                await one.stop_all()
                asyncio.get_running_loop().remove_reader(self.launcher.fileno())

        try:
            asyncio.run(main())
        finally:
            self.launcher.close()

    def upgrade(self, code: str = ECHO, **plugin: Any) -> None:
        """Install another version, while the old one may run."""
        self.install(code, version="2.0.0", **plugin)

    def messages(self) -> list[str]:
        """Return the log's messages."""
        return [record.message for record in logs.read(self.home, plugin="echo")]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    while not condition():  # noqa: ASYNC110  what is waited for happens in another process
        await asyncio.sleep(0.005)
