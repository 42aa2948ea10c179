"""Run a plugin in a terminal without the plugin manager: ``python main.py``.

There is no sandbox here: it is the author's own code under the author's own account, for a quick look. `mobileops
start` is the real thing.
"""

from __future__ import annotations

import inspect
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.plugin.local_host import LocalHost
from mobileops.plugin.methods import exported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.plugin.base import Plugin


class TerminalHost(LocalHost):
    """A host that prints log lines on standard error and lets ``run()`` drive the lifecycle."""

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Print one line."""
        extra = "".join(f" {key}={value!r}" for key, value in fields.items())
        sys.stderr.write(f"{level:8} {message}{extra}\n")

    def is_managed(self) -> bool:
        """Nobody else drives the lifecycle."""
        return False


def host_for(cls: type[Plugin]) -> TerminalHost:
    """Make a host from the plugin.json beside the file that defines a plugin class.

    Raises:
        RuntimeError: there is no readable plugin.json beside it.
    """
    app = Path(inspect.getfile(cls)).resolve().parent
    try:
        document = json.loads((app / "plugin.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{cls.__name__} needs a plugin.json beside {inspect.getfile(cls)}: {error}"
        raise RuntimeError(message) from error
    return TerminalHost(document, app=app)


def run_in_foreground(plugin: Plugin) -> None:
    """Initialise and start a plugin, wait for Ctrl-C, then end it.

    Raises:
        SystemExit: `initialize()` returned False.
    """
    plugin.log(
        "WARNING",
        "running without the sandbox; 'mobileops start' runs it for real",
        methods=", ".join(exported(type(plugin))),
    )
    host = plugin._host  # noqa: SLF001  the same package
    if host.settle(plugin.initialize()) is False:
        raise SystemExit(f"{plugin.name}: initialize() returned False")
    try:
        host.settle(plugin.begin())
        threading.Event().wait()
    except KeyboardInterrupt:
        plugin.log("INFO", "interrupted, stopping")
    finally:
        host.settle(plugin.end())
