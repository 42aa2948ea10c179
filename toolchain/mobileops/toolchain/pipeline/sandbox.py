"""A plugin in its real sandbox, for its tests: packaged, signed, verified, installed, and run by a manager of its own.

The plugin manager has a folder of its own in a temporary place, signs with a Sigstore instance of its own and trusts
nothing else, so tests touch nothing of this host's plugins, keys or trust. It ends with the process of the tests.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, PluginError
from mobileops.plugin.configuration import layered
from mobileops.runtime import audit, logs
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import Client, connect_or_start
from mobileops.runtime.platform.assets import Assets
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.supervision.recovery import DID_NOT_START
from mobileops.toolchain.testrun import tethered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.receipts import Receipt

_RAISED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*): (.*)", re.DOTALL)
_REFUSED: Final = "initialize() returned False"

_benches: Final[dict[Path, Bench]] = {}


def prepare(source: Path, home: Home) -> None:
    """Package a plugin, sign it with an instance of the home's own, verify it, and install it there.

    Raises:
        ManifestError: the source has findings.
        PackagingError: something in it may not be packaged.
        MobileOpsError: it cannot be signed or installed.
    """
    from mobileops.runtime.store import Store  # noqa: PLC0415 - a bench of a prepared home does without these
    from mobileops.runtime.trust import load_policy, verify  # noqa: PLC0415
    from mobileops.toolchain.pipeline.building import package  # noqa: PLC0415
    from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle  # noqa: PLC0415

    packed = package(source, home.root / "dist")
    signer = LocalSigner(LocalInstance.open_or_create(home.sigstore), "tests@localhost")
    sign_bundle(packed.path, signer=signer)
    store, policy = Store(home), load_policy(home)
    store.install(
        packed.path,
        verify=lambda bundle, signature: verify(bundle, policy=policy, pins=store.pins(), signature=signature),
    )


def open_sandbox(app: Path, settings: Mapping[str, Any], *, home: Path | None = None) -> SandboxedRun:
    """Return the plugin of a folder, installed and not running; the entry point ``sandbox`` of ``mobileops.testing``.

    Args:
        app: the plugin's folder.
        settings: operator settings on top of the defaults.
        home: a plugin manager's folder in which it is installed already; None makes one, once for each folder.

    Raises:
        MobileOpsError: as `prepare`, or the plugin manager does not start.
    """
    if app not in _benches:
        _benches[app] = Bench(app, home=home)
    return SandboxedRun(_benches[app], settings)


class Bench:
    """One plugin manager for the tests of one plugin.

    Attributes:
        app: the plugin's source.
        home: its folder.
        receipt: what is installed.
        document: the manifest.
    """

    def __init__(self, app: Path, *, home: Path | None) -> None:
        """Start a plugin manager in a folder in which the plugin is installed; without one, make it."""
        self.app = app
        self._scratch = None if home else tempfile.mkdtemp(prefix="mobileops-bench-")
        atexit.register(self.close)
        self.home = Home(home or Path(str(self._scratch)) / "home").prepare()
        if home is None:
            prepare(app, self.home)
        self.receipt: Receipt = Receipts(self.home).all()[0]
        self.folder = self.home.store / self.receipt.name / self.receipt.folder
        self.document: Mapping[str, Any] = Receipts(self.home).manifest(self.receipt).document
        self._asking = threading.Lock()
        program = (sys.executable, "-I", str(tethered.__file__), str(os.getpid()), str(self.home.root))
        self._client: Client | None = connect_or_start(self.home, program=program)

    def ask(self, verb: str, **body: Any) -> Any:  # noqa: ANN401 - plain values
        """Send one request to the plugin manager, of whichever thread."""
        with self._asking:
            return self._connected().ask(verb, **body)

    def call(self, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value
        """Call a method; the values of a stream come back as an iterator."""
        with self._asking:
            found = list(
                self._connected().answers("call", name=self.receipt.name, method=method, args=args, kwargs=dict(kwargs))
            )
        if len(found) == 1 and found[0].kind is Kind.RESULT:
            return found[0].body
        return iter([frame.body for frame in found])

    def close(self) -> None:
        """Stop the plugin manager, and remove the folder that was made for it."""
        client, self._client = self._client if hasattr(self, "_client") else None, None
        if client is not None:
            client.shut_down()
            client.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        _benches.pop(self.app, None)

    def _connected(self) -> Client:
        assert self._client is not None  # noqa: S101 - nothing asks after the end
        return self._client


class SandboxedRun:
    """The plugin of one test; a `mobileops.plugin.sandboxing.Sandbox`."""

    def __init__(self, bench: Bench, settings: Mapping[str, Any]) -> None:
        """Begin with the given settings, an empty ``/data`` and an empty log."""
        self._bench = bench
        self.app = bench.app
        self.name = bench.receipt.name
        self.version = bench.receipt.version
        definitions = bench.document.get("configuration_schema", {})
        secret = {name for name in settings if definitions.get(name, {}).get("secret")}
        self._settings = dict(settings)
        values = {name: value for name, value in settings.items() if name not in secret}
        SettingsFiles(bench.home).save(self.name, Stored(values, {name: settings[name] for name in secret}))
        shutil.rmtree(bench.home.data / self.name, ignore_errors=True)
        self._earlier = len(list(logs.read(bench.home, plugin=self.name)))
        self._decided = len(list(audit.read(bench.home.audit, self.name)))

    def configuration(self) -> dict[str, Any]:
        """Return the effective configuration."""
        conf = self._bench.folder / "config" / "default.conf"
        text = conf.read_text(encoding="utf-8") if conf.is_file() else None
        return layered(text, self._bench.document, self._settings)

    def start(self) -> frozenset[str]:
        """Start the process and return the methods that it exports.

        Raises:
            CallError: ``initialize()`` returned False, which ``remote_type`` says, or something raised.
            MobileOpsError: it did not start for another reason.
        """
        try:
            state = self._bench.ask("start", name=self.name, debug=True)
        except PluginError as error:
            cause = error.what.partition(" did not start: ")[2]
            raised = _RAISED.fullmatch(cause)
            if error.code != DID_NOT_START or (raised is None and cause != _REFUSED):
                raise
            kind = "initialize" if raised is None else raised[1]
            raise CallError(cause, code=DID_NOT_START, remote_type=kind, fix=error.fix) from None
        return frozenset(state["methods"])

    def stop(self) -> None:
        """End the process as an operator does.

        Raises:
            PluginError: it had to be killed (MOP2605), or a hook refused (MOP5107).
        """
        state = self._bench.ask("stop", name=self.name)
        killed = next((step["cause"] for step in state["history"] if step["cause"].endswith("killed")), None)
        if killed is not None or state["state"] != "stopped":
            raise PluginError(
                f"{self.name!r} did not stop by itself: {killed or state['cause']}",
                code="MOP2605",
                why="the platform waits for resources.stop_timeout, then it kills",
                fix="make start() return soon after stop(), and let no other thread hold up the end",
            )

    def call(self, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value
        """Call an exported method."""
        return _with_class(lambda: self._bench.call(method, args, kwargs))

    def health(self) -> Any:  # noqa: ANN401 - the author's report
        """Return what ``health_check()`` returns."""
        return _with_class(lambda: self._bench.ask("health", name=self.name))

    def reload(self) -> None:
        """Have it reload itself in its process."""
        self._bench.ask("reload", name=self.name, in_place=True)

    def emit(self, topic: str, event: Mapping[str, Any]) -> None:
        """Send it an event, as the platform does."""
        self._bench.ask("emit", topic=topic, event=dict(event))

    def records(self) -> list[dict[str, Any]]:
        """Return what it logged."""
        found = list(logs.read(self._bench.home, plugin=self.name))[self._earlier :]
        return [{"level": one.level, "message": one.message, **one.fields} for one in found if one.source == "plugin"]

    def add_asset(self, name: str, content: bytes | Path) -> None:
        """Give the platform an asset."""
        import io  # noqa: PLC0415 - few tests have assets

        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as stream:
            Assets(self._bench.home).add(name, stream)

    def denials(self) -> list[str]:
        """Return what it was denied."""
        found = list(audit.read(self._bench.home.audit, self.name))[self._decided :]
        return [f"{one['operation']} {one['target']}: {one['reason']}" for one in found if one["verdict"] == "denied"]

    def close(self) -> None:
        """End what still runs, without asking its hooks."""
        if self._bench.ask("status", names=[self.name])[0]["pid"] is not None:
            self._bench.ask("stop", name=self.name, force=True)


def _with_class(question: Any) -> Any:  # noqa: ANN401 - any value
    """Ask, and give a `CallError` its ``remote_type`` back, which does not cross the control socket."""
    try:
        return question()
    except CallError as error:
        if not hasattr(error, "remote_type"):
            error.remote_type = error.what.partition(":")[0]
        raise
