"""``mobileops daemon``: run the plugin manager in the foreground, or stop it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.errors import HostFault, MobileOpsError
from mobileops.runtime.home import Home

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("--home", type=Path, help="serve this folder instead of MOBILEOPS_HOME")
    parser.add_argument(
        "--ready-fd", type=int, help="write one line to this descriptor once requests are served, then close it"
    )
    parser.add_argument("--stop", action="store_true", help="stop the plugin manager, and all plugins with it")
    parser.add_argument(
        "--no-idle-exit", action="store_true", help="serve until stopped, even with nothing to do for ten minutes"
    )
    parser.add_argument("--while-stdin", action="store_true", help="serve no longer than standard input is open")
    parser.add_argument(
        "--install-unit",
        action="store_true",
        help="write a systemd unit: root's for the system, anybody else's for their own session",
    )
    parser.example("mobileops daemon --stop")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until stopped or idle."""
    home = Home(arguments.home.absolute()).prepare() if arguments.home else console.home()
    if arguments.stop:
        return _stop(home, console)
    if arguments.install_unit:
        return _install_unit(home, console)
    from mobileops.runtime.manager import daemon  # noqa: PLC0415  asyncio, which --stop does without

    def ready(word: bytes = b"ready\n") -> None:
        if arguments.ready_fd is not None:
            os.write(arguments.ready_fd, word)
            os.close(arguments.ready_fd)
            arguments.ready_fd = None
        else:
            console.note(f"serving {home.root}")

    try:
        idle_exit_s = math.inf if arguments.no_idle_exit else daemon.IDLE_EXIT_S
        lifeline = console.stdin.fileno() if arguments.while_stdin else None
        daemon.run(home, ready=ready, environment=console.environment, idle_exit_s=idle_exit_s, lifeline=lifeline)
    except MobileOpsError as error:
        if arguments.ready_fd is not None:
            ready(b"busy\n" if error.code == "MOP5201" else str(error).encode())
        raise
    return 0


def _stop(home: Home, console: Console) -> int:
    from mobileops.runtime.manager.client import connect  # noqa: PLC0415  the plugin manager itself does without

    client = connect(home)
    if client is None:
        console.note("the plugin manager does not run")
        return 0
    try:
        client.shut_down()
    finally:
        client.close()
    console.note("the plugin manager has stopped")
    return 0


def _install_unit(home: Home, console: Console) -> int:
    from mobileops.runtime.manager import systemd_unit  # noqa: PLC0415  the plugin manager itself does without
    from mobileops.runtime.manager.client import default_program  # noqa: PLC0415  as above

    is_system = os.geteuid() == 0
    text = systemd_unit.text((*default_program(home), "--no-idle-exit"), is_system=is_system)
    own = Path(console.environment.get("HOME", "/")) / ".config"
    config_home = Path(console.environment.get("XDG_CONFIG_HOME") or own)
    path = systemd_unit.path(config_home, is_system=is_system)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    except OSError as error:
        raise HostFault(
            f"the unit cannot be written: {error.strerror}",
            code="MOP5205",
            where=str(path),
            fix="check the folder's permissions",
        ) from error
    scope = "" if is_system else "--user "
    console.document(str(path))
    console.note(f"next: systemctl {scope}daemon-reload && systemctl {scope}enable --now {path.name}")
    if not is_system:
        console.note("loginctl enable-linger keeps it running while you are not logged in")
    return 0
