"""``mobileops shell``: run Python statements inside a running plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands._line_editing import prompter
from mobileops.cli.commands._manager import installed, running
from mobileops.cli.commands._shell_session import ShellSession
from mobileops.cli.layout import harmless
from mobileops.runtime.routing.shells import MAX_SOURCE_BYTES, too_long

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

PROMPT: Final = ">>> "
MORE: Final = "... "


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("-c", "--command", metavar="STATEMENTS", help="run these instead of what standard input has")
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="interrupt what takes longer than this (default: 30)",
    )
    parser.example("mobileops shell my-plugin -c 'plugin.get_uptime()'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run statements as they are typed; without a terminal all of standard input, and exit 1 if one failed."""
    name = installed(console.home(), arguments.name).name
    source = arguments.command
    interactive = source is None and console.stdin.isatty()
    if source is None and not interactive:
        source = console.stdin.read(MAX_SOURCE_BYTES + 1)
        if len(source) > MAX_SOURCE_BYTES:
            raise too_long()
    client = running(console.home(), name)
    try:
        session = ShellSession(client, name, timeout_s=arguments.timeout)
        if interactive:
            return _converse(session, name, console)
        if not source.strip():
            return 0
        answer = session.run(source, script=True)
        _show(answer, console)
        return 1 if answer["failed"] else 0
    finally:
        client.close()


def _converse(session: ShellSession, name: str, console: Console) -> int:
    """Be the prompt of a REPL until Ctrl-D."""
    facts = session.facts
    console.note(f"{name} {facts['version']}, pid {facts['pid']}: 'plugin' is the instance, in its sandbox")
    console.note("Every statement is in the audit log. Ctrl-C interrupts one, Ctrl-D leaves; the plugin goes on.")
    ask = prompter()
    typed: list[str] = []
    while True:
        try:
            typed.append(ask(MORE if typed else PROMPT))
        except EOFError:
            console.note("")
            return 0
        except KeyboardInterrupt:
            console.note("\nKeyboardInterrupt")
            typed.clear()
            continue
        answer = session.run("\n".join(typed))
        if not answer["more"]:
            typed.clear()
        _show(answer, console)
        if answer["exit"]:
            return 0


def _show(answer: dict[str, Any], console: Console) -> None:
    """Print what a statement printed; a plugin's text cannot act on the terminal."""
    console.stdout.write(harmless(answer["output"]))
    console.stdout.flush()
    console.stderr.write(harmless(answer["error"]))
    console.stderr.flush()
    if answer["dropped"]:
        console.note(f"{answer['dropped']} more characters were dropped")
