"""``mobileops debug``: let an editor debug a running plugin, in its sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands import _editor
from mobileops.cli.commands._manager import debug_wanted, installed, started
from mobileops.runtime.launching.debugger import find_debugger, no_debugger
from mobileops.runtime.routing.debugging import not_in_debug_mode

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.manager.client import Client

RUNNING: Final = ("starting", "running", "degraded", "stopping")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1, for the editor (default: one that is free)")
    parser.add_argument("--yes", action="store_true", help="restart the plugin in debug mode without a question")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="wait this long for the editor, and exit 1 if none came (default: until standard input ends)",
    )
    parser.example("mobileops debug my-plugin --port 5678")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print what the editor needs, wait for it, and serve it until it disconnects."""
    name = installed(console.home(), arguments.name).name
    if find_debugger() is None:
        raise no_debugger(name)
    client = started(console.home())
    try:
        _have_debug_mode(client, name, arguments, console)
        try:
            return _serve(client, name, arguments, console)
        finally:
            console.note(f"{name} goes on in debug mode until it is stopped or restarted")
    finally:
        client.close()


def _serve(client: Client, name: str, arguments: argparse.Namespace, console: Console) -> int:
    """Serve one editor until it disconnects; return the exit code."""
    facts = client.ask("debug-facts", name=name)
    with _editor.listen(arguments.port) as listener:
        port = listener.getsockname()[1]
        console.print(json.dumps(_launch(name, port, facts["app"]), indent=2))
        console.note(f"{name} {facts['version']}, pid {facts['pid']}: attach an editor to {_editor.HOST}:{port}")
        console.note("Above is its .vscode/launch.json. One connection of this account is served; Ctrl-C ends this.")
        editor = _editor.wait_for_editor(
            listener,
            stdin=None if arguments.timeout is not None else _descriptor(console),
            timeout_s=arguments.timeout,
            on_stranger=lambda uid: console.note(f"refused: a connection of uid {uid}, another account"),
        )
    if editor is None:
        console.note("no editor came" if arguments.timeout is not None else "no editor came: standard input has ended")
        return 0 if arguments.timeout is None else 1
    with editor:
        debugger = client.become("debug", name=name)
        console.note("an editor is attached")
        _editor.relay(editor, debugger)
    console.note("the editor is gone")
    return 0


def _have_debug_mode(client: Client, name: str, arguments: argparse.Namespace, console: Console) -> None:
    """Start the plugin in debug mode, or restart it if the operator agrees to that."""
    state = client.ask("status", names=[name])[0]
    if state["debug"] in {"ready", "attached"}:
        return
    if state["state"] not in RUNNING:
        console.note(f"{name} does not run: it is started in debug mode")
        client.ask("start", name=name, debug=True)
        return
    how = "in debug mode, but was started before there was a debugger" if state["debug"] else "outside debug mode"
    console.note(f"{name} runs {how}: only a restart changes that, and calls fail meanwhile")
    if not (arguments.yes or debug_wanted(console) or _agreed(console)):
        raise not_in_debug_mode(name)
    client.ask("restart", name=name, debug=True)
    console.note(f"{name} was restarted in debug mode")


def _agreed(console: Console) -> bool:
    """Ask a person at a terminal."""
    if not (console.stdin.isatty() and console.stderr.isatty()):
        return False
    return (console.ask("restart it? [y/N]: ") or "").lower() in {"y", "yes"}


def _descriptor(console: Console) -> TextIO | None:
    """Return standard input, if it is one that can be waited for."""
    try:
        console.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return console.stdin


def _launch(name: str, port: int, app: str) -> dict[str, Any]:
    """Return what ``.vscode/launch.json`` has to hold."""
    configuration = {
        "name": f"MobileOps: {name}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": _editor.HOST, "port": port},
        "pathMappings": [{"localRoot": "${workspaceFolder}", "remoteRoot": app}],
    }
    return {"version": "0.2.0", "configurations": [configuration]}
