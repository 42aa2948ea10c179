"""The sandbox that a test of a plugin may ask for, and whether it does; the toolchain makes it, if it is installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENTRY_POINTS: Final = "mobileops.testing"


class Sandbox(Protocol):
    """A plugin in its sandbox; made by whoever the entry point ``sandbox`` of `ENTRY_POINTS` names."""

    app: Path
    name: str
    version: str

    def configuration(self) -> dict[str, Any]:
        """Return the effective configuration."""

    def start(self) -> frozenset[str]:
        """Start the process, wait until it is ready, and return the methods that it exports.

        Raises:
            MobileOpsError: it did not start; a `CallError` carries what the plugin raised.
        """

    def stop(self) -> None:
        """End the process.

        Raises:
            PluginError: it had to be killed, or a hook of its own refused.
        """

    def call(self, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401  any value
        """Call an exported method."""

    def health(self) -> Any:  # noqa: ANN401  the author's report
        """Return what ``health_check()`` returns."""

    def reload(self) -> None:
        """Have it reload itself in its process."""

    def emit(self, topic: str, event: Mapping[str, Any]) -> None:
        """Send it an event, as the platform does."""

    def records(self) -> list[dict[str, Any]]:
        """Return what it logged, oldest first, each ``{"level", "message", **fields}``."""

    def add_asset(self, name: str, content: bytes | Path) -> None:
        """Give the platform an asset."""

    def denials(self) -> list[str]:
        """Return what it was denied, each in words."""

    def close(self) -> None:
        """End what still runs."""


class _Mode:
    """How the tests of this process run."""

    sandboxed = False
    home: Path | None = None


_mode: Final = _Mode()


def use(*, sandboxed: bool, home: Path | None = None) -> None:
    """Say how the tests of this process run.

    Args:
        sandboxed: whether a plugin gets a process in its sandbox unless a test says otherwise.
        home: a plugin manager's folder in which the plugin is installed already; None makes one when it is needed.
    """
    _mode.sandboxed, _mode.home = sandboxed, home


def wanted() -> bool:
    """Whether plugins get a process in their sandbox."""
    return _mode.sandboxed


def open_sandbox(app: Path, settings: Mapping[str, Any]) -> Sandbox:
    """Return a plugin that is installed and does not run yet.

    Args:
        app: its folder.
        settings: operator settings on top of the defaults.

    Raises:
        HostFault: the toolchain, which packages and signs it, is not installed here (MOP2601).
        MobileOpsError: it cannot be packaged or installed.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415  tests in this process need not wait

    for found in entry_points(group=ENTRY_POINTS, name="sandbox"):
        sandbox: Sandbox = found.load()(app, settings, home=_mode.home)
        return sandbox
    raise HostFault(
        "this Python cannot make the sandbox that the test asks for",
        code="MOP2601",
        where=sys.executable,
        why="a sandboxed test packages, signs and installs the plugin, which mobileops-toolchain does",
        fix="run it with 'mobileops test --sandboxed', or pip install mobileops-toolchain here",
    )
