"""The real process of a plugin, as its tests see it: what a caller, the plugin manager and the log can reach of it.

==============================  =======================================================================================
in a test                       in the sandbox
==============================  =======================================================================================
``plugin.initialize()``         starts the process, waits until it is ready: True; False if the plugin's returned that
``plugin.method(...)``          a call over the channel; starts the process if it was never started
``start()``, ``connect()``      the platform has called them by then: nothing more happens
``stop()``, ``disconnect()``,   asks the process to end, as an operator does; an error if it had to be killed; a second
``cleanup()``                   one does nothing
``health_check()``              what the platform is told
``reload()``                    ``mobileops reload --in-place``
``reload_config()``, ``config`` the effective configuration
``name``, ``version``           of the manifest
anything else                   `OutOfReach`, an AttributeError: no caller can see it
==============================  =======================================================================================

Values travel as on a device: a tuple comes back as a list, and what cannot be sent is an error. What a method raises
is raised here as the same class, if that is a built-in one, one of `mobileops.errors`, or one of the plugin's own that
the test has imported; else as `mobileops.errors.CallError`. The result of an ``async def`` method is there at once,
and that of a generator is an iterator.
"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from mobileops.errors import CallError, MobileOpsError, PluginError, from_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.plugin.sandboxing import Sandbox

_BEGIN: Final = frozenset({"begin", "connect", "start"})
_END: Final = frozenset({"cleanup", "disconnect", "end", "stop", "stop_gracefully"})


class OutOfReach(PluginError, AttributeError):
    """A test wants something of a sandboxed plugin that no caller can reach."""


class _View:
    """What both of a test's views of a sandbox begin with."""

    __slots__ = ("_sandbox",)

    _sandbox: Sandbox

    @property
    def name(self) -> str:
        """The manifest's name."""
        return self._sandbox.name

    @property
    def version(self) -> str:
        """The manifest's version."""
        return self._sandbox.version


class SandboxedPlugin(_View):
    """Stands for the plugin in a test; see the module."""

    __slots__ = ("_exported", "_stopped")

    _exported: frozenset[str] | None
    _stopped: bool

    def __init__(self, sandbox: Sandbox) -> None:
        """Stand for a plugin that does not run yet."""
        object.__setattr__(self, "_sandbox", sandbox)
        self._note(None, stopped=False)

    def _note(self, exported: frozenset[str] | None, *, stopped: bool) -> None:
        object.__setattr__(self, "_exported", exported)
        object.__setattr__(self, "_stopped", stopped)

    @property
    def config(self) -> dict[str, Any]:
        """The effective configuration."""
        return self._sandbox.configuration()

    def load_config(self) -> dict[str, Any]:
        """Return the effective configuration."""
        return self._sandbox.configuration()

    reload_config = load_config

    def initialize(self) -> bool:
        """Start the process if it does not run; False when the plugin's own ``initialize()`` returned that."""
        if self._exported is None:
            try:
                self._note(self._sandbox.start(), stopped=False)
            except CallError as error:
                if error.remote_type == "initialize":
                    return False
                raise remade(error, self._sandbox.app) from None
        return True

    def health_check(self) -> Any:  # noqa: ANN401  the author's report
        """Return what the platform is told."""
        return self._asked(self._sandbox.health)

    def reload(self) -> None:
        """Have it reload itself in its process."""
        self._asked(self._sandbox.reload)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return an exported method, or what begins or ends the plugin's activity."""
        if name in _BEGIN:
            return self._begin
        if name in _END:
            return self._end
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._methods():
            raise _out_of_reach(name, self.name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  whatever the method takes and returns
            return self._asked(lambda: self._sandbox.call(name, args, kwargs))

        return call

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        """Refuse: it would change this stand-in, and not the plugin."""
        raise _out_of_reach(name, self.name)

    def _methods(self) -> frozenset[str]:
        if self._stopped:
            raise PluginError(
                f"{self.name!r} has been stopped",
                code="MOP2603",
                why="its process has ended, so nobody can call it",
                fix="call initialize() again, or look at what you need before stop()",
            )
        if self._exported is None and not self.initialize():
            raise PluginError(f"{self.name!r} does not start: its initialize() returned False", code="MOP2604")
        return self._exported or frozenset()

    def _asked(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401  any value
        self._methods()
        try:
            return question()
        except CallError as error:
            raise remade(error, self._sandbox.app) from None

    def _begin(self) -> None:
        if not self._stopped:
            self._methods()

    def _end(self) -> None:
        running = self._exported is not None
        self._note(None, stopped=True)
        if running:
            self._sandbox.stop()


class SandboxHost(_View):
    """The platform of a sandboxed plugin, as far as a test can prepare or see it.

    Attributes:
        assets: like that of `mobileops.plugin.fakes.FakePlatform`; what is put here is in the asset store.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Look at one plugin's."""
        self._sandbox = sandbox
        self.assets = _Assets(sandbox)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What it logged, oldest first, each ``{"level", "message", **fields}``."""
        return self._sandbox.records()

    @property
    def denied(self) -> list[str]:
        """What it was denied, each in words."""
        return self._sandbox.denials()

    def configuration(self) -> dict[str, Any]:
        """Return the effective configuration."""
        return self._sandbox.configuration()

    def emit(self, topic: str, event: Mapping[str, Any]) -> None:
        """Send the plugin an event, as far as it has subscribed to its topic."""
        self._sandbox.emit(topic, event)

    def settle(self, result: Any) -> Any:  # noqa: ANN401  any value
        """Return a result: that of an ``async def`` method is there already."""
        return result

    def __getattr__(self, name: str) -> NoReturn:
        """Say what only the host of a test in its own process has."""
        raise _out_of_reach(f"host.{name}", self._sandbox.name)


class _Assets(dict[str, Any]):
    """Hands on what is put into it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def __setitem__(self, name: str, content: bytes | Path) -> None:
        self._sandbox.add_asset(name, content)
        super().__setitem__(name, content)


def remade(error: CallError, app: Path) -> Exception:
    """Return what a plugin raised as an exception of the class that it had there.

    Args:
        error: with the name of the class in ``remote_type``.
        app: the plugin's folder; classes of modules below it count as its own.
    """
    name, text = error.remote_type, error.what.removeprefix(f"{error.remote_type}: ")
    known = from_dict({**error.to_dict(), "error": name, "what": text})
    if type(known) is not MobileOpsError:
        return known
    own = (vars(module).get(name) for module in tuple(sys.modules.values()) if _is_below(module, app))
    for found in (getattr(builtins, name, None), *own):
        if isinstance(found, type) and issubclass(found, Exception):
            made: Exception = found.__new__(found, text)
            made.args = (text,)
            return made
    return error


def _is_below(module: object, app: Path) -> bool:
    origin = getattr(module, "__file__", None)
    return isinstance(origin, str) and Path(origin).is_relative_to(app)


def _out_of_reach(name: str, plugin: str) -> OutOfReach:
    return OutOfReach(
        f"{name!r} cannot be reached in the sandbox of {plugin!r}",
        code="MOP2602",
        why="the test sees of a sandboxed plugin what its callers see: the exported methods",
        fix=f"mark it @plugin_method, or test {name!r} in a class with 'sandboxed = False'",
    )
