"""Run a plugin's own tests in its real sandbox, with a launcher and a store that exist for this alone.

The plugin is copied into a scratch store; the sandbox is the one that `compile_policy` makes of a manifest. What
records is the entry of that process (`recorder`), so that the runtime needs no way to switch recording on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime import audit
from mobileops.runtime.isolation.credentials import UID_COUNT, plugin_uid
from mobileops.runtime.isolation.policy import compile_policy, select_environment
from mobileops.runtime.launching.launcher import Launcher
from mobileops.toolchain.checks.tree import walk
from mobileops.toolchain.testrun import child, inside
from mobileops.toolchain.tighten import recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mobileops.manifest import Manifest
    from mobileops.runtime.launching.launched import Launched

TIMEOUT_S: Final = 300.0
ENTRY: Final = "mobileops_recorder:main"
TIMED_OUT: Final = 124  # as timeout(1) says it
_FOR_PYTEST: Final = re.compile(rb"\bpytest\b|^(async )?def test", re.MULTILINE)
#: None of the identities that the plugin manager gives out soon: nothing is shared with a plugin that runs.
_IDENTITY: Final = UID_COUNT - 3


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """What the tests of a plugin did.

    Attributes:
        status: 0 when there were tests and all passed; 5 without any; `TIMED_OUT`; or what the runner or a signal said.
        counts: ``passed``, ``failed``, ``skipped`` and the name of the ``runner``, as far as it is known.
        output: what the tests printed.
        records: what `recorder` told, without the last line.
        decisions: what the network broker wrote down.
    """

    status: int
    counts: Mapping[str, Any]
    output: str
    records: tuple[list[Any], ...]
    decisions: tuple[dict[str, Any], ...]


def record(
    folder: Path,
    manifest: Manifest,
    *,
    environment: Mapping[str, str],
    dependencies: Path | None = None,
    private: Sequence[Path] = (),
    timeout_s: float = TIMEOUT_S,
) -> Recording:
    """Run the tests of a plugin in its sandbox; from the main thread.

    Args:
        folder: the plugin's source.
        manifest: whose permissions and limits confine it.
        environment: what ``system.environment`` gives access to.
        dependencies: a folder with its dependencies installed.
        private: folders that no granted path may show.
        timeout_s: after which the tests are killed.

    Raises:
        IsolationRefused: this host cannot make the sandbox.
    """
    with tempfile.TemporaryDirectory(prefix="mobileops-tighten-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o711)  # the plugin's own account passes through
        app = _install(folder, manifest, dependencies, scratch / "plugins")
        data = scratch / "data"
        compiled = compile_policy(manifest, app=app, data=data / manifest.name, uid=plugin_uid(_IDENTITY))
        chosen = select_environment(compiled.variables, environment)
        with Launcher(plugins=scratch / "plugins", data=data, private=private, audit=scratch / "audit") as launcher:
            launched = launcher.launch(compiled, {}, entry=ENTRY, environment=chosen)
            found = _follow(launched, launcher, timeout_s)
        return dataclasses.replace(found, decisions=tuple(audit.read(scratch / "audit", manifest.name)))


def _install(folder: Path, manifest: Manifest, dependencies: Path | None, plugins: Path) -> Path:
    """Copy the plugin, its dependencies and what runs its tests; all of it readable, as an installed plugin is."""
    app = plugins / manifest.name
    for name in walk(folder).files:
        target = app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)
    (app / "plugin.json").write_bytes(manifest.canonical())
    for source, name in ((folder / "vendor", "vendor"), (dependencies, recorder.FOREIGN[1]), *_pytest(app)):
        if source is not None and source.is_dir():
            shutil.copytree(source, app / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        elif source is not None and source.is_file():
            shutil.copyfile(source, app / name)
    shutil.copyfile(recorder.__file__, app / "mobileops_recorder.py")
    shutil.copyfile(child.__file__, app / f"{recorder.RUNNER}.py")
    for path in (plugins, app, *app.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return app


def _pytest(app: Path) -> Iterator[tuple[Path, str]]:
    """Yield what pytest consists of, if tests want it and it is here: no package of the host is in the sandbox."""
    texts = (path.read_bytes() for path in sorted((app / "tests").rglob("*.py")))
    if not any(_FOR_PYTEST.search(text) for text in texts):
        return
    (app / recorder.FOREIGN[1]).mkdir(exist_ok=True)
    yield from ((source, f"{recorder.FOREIGN[1]}/{name}") for source, name in inside.pytest_files())


def _follow(launched: Launched, launcher: Launcher, timeout_s: float) -> Recording:
    """Read what is told and printed until the process ends or the deadline passes."""
    told, ended = inside.hear(launched, launcher, timeout_s)
    records = _parsed(told)
    end = next((line for line in records if line[0] == "end"), None)
    status = TIMED_OUT if ended.timed_out else end[1] if end else ended.returncode or 1  # untold is never a success
    return Recording(
        status=status,
        counts=end[2] if end else {},
        output=ended.output,
        records=tuple(line for line in records if line[0] != "end"),
        decisions=(),
    )


def _parsed(told: bytes) -> list[list[Any]]:
    found = []
    for text in told.splitlines():
        with contextlib.suppress(ValueError):  # the last line of a killed process
            line = json.loads(text)
            if isinstance(line, list) and line and isinstance(line[0], str):
                found.append(line)
    return found
