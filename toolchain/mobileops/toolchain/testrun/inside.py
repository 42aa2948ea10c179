"""Run tests inside a plugin's sandbox, the tests' own code too: what ``tighten`` and ``test --bundle`` share.

::

    pytest_files    what pytest consists of: no package of the host is in the sandbox, so it is put beside the plugin
    place           puts it there, with the generated tests and the code that runs all of them (`entry`)
    hear            reads what the process tells and prints, until it ends or the deadline passes
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.testrun import child, entry
from mobileops.toolchain.testrun.process import DRAIN_S, Ended, Kept
from mobileops.toolchain.testrun.run import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mobileops.runtime.launching.launched import Launched
    from mobileops.runtime.launching.launcher import Launcher

MAX_TOLD_BYTES: Final = 16 << 20
_READ_BYTES: Final = 1 << 16
_EXIT_S: Final = 1.0


def pytest_files() -> Iterator[tuple[Path, str]]:
    """Yield each file and folder that pytest consists of, and its name; nothing where it is not installed."""
    for distribution in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            tops = {path.parts[0] for path in metadata.files(distribution) or () if path.parts[0] != ".."}
            root = Path(str(metadata.distribution(distribution).locate_file("")))
            yield from ((root / top, top) for top in sorted(tops))


def place(app: Path) -> str:
    """Put what runs tests into a plugin's folder, and make all of it readable, as an installed plugin is.

    Args:
        app: a copy of the plugin's folder, for this alone.

    Returns:
        The entry of the process, as `Launcher.launch` takes it. Nothing in the folder can have its name.
    """
    site = app / f"mobileops_tests_{secrets.token_hex(8)}"
    site.mkdir()
    for source, name in (*pytest_files(), (SUITES, entry.SUITES)):
        if source.is_dir():
            shutil.copytree(source, site / name)  # with its bytecode: nothing can be written in the sandbox
        else:
            shutil.copy2(source, site / name)
    shutil.copyfile(entry.__file__, site / "entry.py")
    shutil.copyfile(child.__file__, site / f"{entry.RUNNER}.py")
    for path in (app, *app.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644 | (path.stat().st_mode & 0o111))
    return f"{site.name}.entry:main"


def hear(
    launched: Launched, launcher: Launcher, timeout_s: float, *, show: Callable[[str], object] | None = None
) -> tuple[bytes, Ended]:
    """Return what a process told over its channel, and how it ended; it does not run any more then.

    Args:
        launched: the process.
        launcher: whose it is.
        timeout_s: after which it is killed.
        show: is handed what it prints as it comes, in another thread.
    """
    kept = Kept(show)
    reader = threading.Thread(target=kept.read_all, args=(launched.output,), daemon=True)
    reader.start()
    told, timed_out = _told(launched, timeout_s)
    launched.channel.close()
    if not timed_out:
        timed_out = not select.select([launched.pidfd], [], [], timeout_s)[0]
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(launched.pidfd, signal.SIGKILL)
    select.select([launched.pidfd], [], [], timeout_s)
    os.close(launched.pidfd)
    reader.join(DRAIN_S)
    return told, Ended(returncode=_status(launcher, launched), output=kept.text(), timed_out=timed_out)


def _told(launched: Launched, timeout_s: float) -> tuple[bytes, bool]:
    """Return all that came over the channel, and whether the deadline passed first."""
    deadline = time.monotonic() + timeout_s
    told = bytearray()
    while len(told) < MAX_TOLD_BYTES:
        launched.channel.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = launched.channel.recv(_READ_BYTES)
        except TimeoutError:
            return bytes(told), True
        except ConnectionError:
            break
        if not data:
            break
        told += data
    return bytes(told), False


def _status(launcher: Launcher, launched: Launched) -> int:
    """Return the exit status, or minus the signal; that of a process whose end was not reported is no success."""
    deadline = time.monotonic() + _EXIT_S
    while (left := deadline - time.monotonic()) > 0 and select.select([launcher], [], [], left)[0]:
        for one in launcher.read_exits():
            if one.launch_id == launched.launch_id:
                return one.status
    return 1
