"""``mobileops run``: run a plugin from its source, in its sandbox; ``--dev`` again at every change."""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._manager import debug_wanted
from mobileops.cli.commands._records import line
from mobileops.cli.commands._sources import find_source
from mobileops.errors import MobileOpsError, PluginError
from mobileops.toolchain.development import workbench
from mobileops.toolchain.development.session import Session
from mobileops.toolchain.development.tail import Tail
from mobileops.toolchain.development.watching import SourceWatch
from mobileops.toolchain.development.workbench import BenchGone
from mobileops.toolchain.diagnostics import formats

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.logs import Record
    from mobileops.runtime.receipts import Receipt
    from mobileops.toolchain.diagnostics import Diagnostic

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument(
        "--dev", action="store_true", help="go on: at every change check and build it again, and replace what runs"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting for this run; repeatable"
    )
    parser.example("mobileops run --dev my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run it in a home that exists for this command alone, and show its logs until it ends or is interrupted."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    reporter = _Terminal(console, source)
    try:
        with _endable():
            return _run(arguments, source, reporter, console)
    except KeyboardInterrupt:
        console.note(f"{source.name} is stopped, and nothing of this run is left")
        raise


def _run(arguments: argparse.Namespace, source: Path, reporter: _Terminal, console: Console) -> int:
    with ExitStack() as stack:
        bench = stack.enter_context(workbench.opened())
        reporter.tail = stack.enter_context(Tail(bench.home, reporter.record))
        stack.callback(bench.stop)
        session = Session(
            source,
            bench,
            reporter=reporter,
            configure=lambda home, receipt: _set(arguments.set, home, receipt),
            debug=debug_wanted(console),
        )
        reporter.note(f"for other commands about it:\n  export MOBILEOPS_HOME={bench.home.root}")
        return _follow(source, session, reporter) if arguments.dev else _once(source, session)


def _once(source: Path, session: Session) -> int:
    if not session.attempt():
        return 1
    why = session.wait_until_it_ends()
    if why is not None:
        raise PluginError(
            f"{source.name!r} has ended: {why}", code="MOP2701", fix="its log is above; --dev waits for the next change"
        )
    return 0


def _follow(source: Path, session: Session, reporter: _Terminal) -> int:
    watch = SourceWatch(source, tell=reporter.note)
    try:
        session.attempt()
    except BenchGone:
        raise
    except MobileOpsError as error:
        reporter.error(error)
    reporter.note(f"watching {source}; Ctrl-C ends it")
    session.follow(watch)
    return 0


def _set(words: list[str], home: Home, receipt: Receipt) -> None:
    """Store the settings of the command line for a plugin that was just installed."""
    if not words:
        return
    from mobileops.cli.commands._config_apply import commit  # noqa: PLC0415  only this option needs it
    from mobileops.cli.suggestions import did_you_mean  # noqa: PLC0415  likewise
    from mobileops.runtime.receipts import Receipts  # noqa: PLC0415  likewise
    from mobileops.runtime.settings.change import Change, Known  # noqa: PLC0415  likewise
    from mobileops.runtime.settings.files import SettingsFiles, Stored  # noqa: PLC0415  likewise

    receipts = Receipts(home)
    manifest, folder = receipts.manifest(receipt), receipts.folder(receipt)

    def known(stored: Stored) -> Known:
        return Known(manifest, folder, stored, suggest=did_you_mean)

    values = known(SettingsFiles(home).load(manifest.name)).assignments(words)
    commit(home, manifest, Change(values), folder=folder, known=known, apply=False)


@contextmanager
def _endable() -> Iterator[None]:
    """Make a request to end an interruption, once: what it undoes must not be cut short by the next one."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in caught:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    caught = {number: signal.getsignal(number) for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN}
    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, before in caught.items():
            signal.signal(number, before)


class _Terminal:
    """Shows a session: what the plugin writes on standard output, everything else beside it."""

    def __init__(self, console: Console, source: Path) -> None:
        here = Path.cwd()
        shown = source.relative_to(here) if source.is_relative_to(here) else source
        self._base = "" if source == here else f"{shown}/"
        self._name = source.name
        self._console = console
        self.tail: Tail | None = None

    def record(self, record: Record) -> None:
        """Show a record of a log at once."""
        self._console.print(line(record))
        self._console.stdout.flush()

    def note(self, text: str) -> None:
        """Show one sentence, after what has been logged before."""
        if self.tail is not None:
            self.tail.drain()
        self._console.note(text)

    def findings(self, found: Sequence[Diagnostic]) -> None:
        """Show what validation found, with its place."""
        if found:
            self._console.findings(formats.render(found, "text", name=self._name, base=self._base), as_data=False)

    def error(self, error: MobileOpsError) -> None:
        """Show what went wrong, after what has been logged before."""
        if self.tail is not None:
            self.tail.drain()
        self._console.error(error)
