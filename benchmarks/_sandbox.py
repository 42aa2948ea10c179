"""A launcher for plugins of a benchmark's own code, in a folder that is removed afterwards."""

from __future__ import annotations

import os
import select
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mobileops.runtime.isolation.network import NetworkGrants
    from mobileops.runtime.launching.launched import Launched

LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=256, file_size_bytes=64 << 20)
#: Longer than the zygote waits before it makes a spare, and than a spare takes.
SPARE_READY_S = 0.15


class Sandbox(NamedTuple):
    """Where plugins can be launched.

    Attributes:
        launcher: running.
        app: the folder with the code of all of them.
        data: what holds their data folders.
    """

    launcher: Launcher
    app: Path
    data: Path

    def policy(self, number: int = 0, *, network: NetworkGrants | None = None) -> SandboxPolicy:
        """Return the policy of one of many plugins with the same code."""
        data = self.data / f"bench{number}"
        return SandboxPolicy("bench", str(self.app), str(data), plugin_uid(number), LIMITS, network=network)


@contextmanager
def sandbox(files: Mapping[str, str]) -> Iterator[Sandbox]:
    """Write the code of plugins and start a launcher, for the length of the block.

    Args:
        files: name -> text of each file of the code.
    """
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        app, data = base / "plugins" / "bench", base / "data"
        app.mkdir(parents=True)
        for file, text in files.items():
            (app / file).write_text(text)
        with Launcher(plugins=base / "plugins", data=data) as launcher:
            yield Sandbox(launcher, app, data)


def end(launched: Launched) -> None:
    """End a plugin, wait until it is gone, and close what belongs to it."""
    launched.channel.close()
    select.select([launched.pidfd], [], [])
    os.close(launched.pidfd)
    os.close(launched.output)
