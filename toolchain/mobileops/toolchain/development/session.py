"""The loop of an author: check, build, replace, and go on with the old one when the new one is broken.

::

    the source has changed
      1. validate              findings: shown with their place     the old one runs on
      2. build, sign, install  refused: shown                       the old one runs on
      3. replace by a reload   the new one does not come up: shown  the old one runs on, and is what is installed
                               otherwise no call is lost

A plugin that listens on a port is stopped and started in step 3: two processes cannot listen on one port. If the new
one does not come up, the old one is started again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from mobileops.errors import MobileOpsError
from mobileops.runtime.receipts import Receipts
from mobileops.toolchain.development.workbench import BenchGone
from mobileops.toolchain.diagnostics import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.runtime.receipts import Receipt
    from mobileops.toolchain.development.watching import SourceWatch
    from mobileops.toolchain.development.workbench import Workbench
    from mobileops.toolchain.diagnostics import Diagnostic

LOOK_S: Final = 0.2
SHOWN_NAMES: Final = 3
SERVING: Final = {"running", "degraded"}
ENDED: Final = {"stopped", "failed", "quarantined"}
LISTENS: Final = "network.listen"


class Reporter(Protocol):
    """Shows a person what happens."""

    def note(self, text: str) -> None:
        """Show one sentence."""

    def findings(self, found: Sequence[Diagnostic]) -> None:
        """Show what validation found."""

    def error(self, error: MobileOpsError) -> None:
        """Show what went wrong."""


class Run(NamedTuple):
    """What runs.

    Attributes:
        receipt: the installed bundle it came from.
        permissions: that it declares.
        pid: of its process.
    """

    receipt: Receipt
    permissions: tuple[str, ...]
    pid: int | None


class Session:
    """One plugin, from its source.

    Args:
        source: its folder.
        bench: what it is built with and runs in.
        reporter: shows what happens.
        configure: called with the home and a plugin that was just installed, before it is started.
        debug: whether it runs in debug mode.
    """

    def __init__(
        self,
        source: Path,
        bench: Workbench,
        *,
        reporter: Reporter,
        configure: Callable[[Home, Receipt], None],
        debug: bool = False,
    ) -> None:
        self._source = source
        self._bench = bench
        self._reporter = reporter
        self._configure = configure
        self._debug = debug
        self._run: Run | None = None
        self._found: tuple[Diagnostic, ...] = ()

    def attempt(self) -> bool:
        """Validate, build and run the source as it is now; return whether it is what runs.

        Raises:
            BenchGone: the plugin manager has ended.
            MobileOpsError: it is valid and does not run; what ran before still does.
        """
        before, self._found = self._found, diagnose(self._source)
        errors = sum(one.is_error for one in self._found)
        if errors or self._found != before:  # nobody wants to read the same warnings at each change
            self._reporter.findings(self._found)
        if errors:
            count = "1 error" if errors == 1 else f"{errors} errors"
            self._reporter.note(f"{self._source.name}: {count}; {self._what_stays()}")
            return False
        return self._take_over(self._run if self._is_serving() else None)

    def _take_over(self, before: Run | None) -> bool:
        receipt = self._bench.install(self._source, unless=before.receipt.sha256 if before else None)
        if receipt is None:
            self._reporter.note("nothing that is part of the bundle has changed")
            return True
        self._tell(before, self._replace(before, receipt))
        return True

    def follow(self, watch: SourceWatch) -> None:
        """Attempt again whenever the source has changed, for ever.

        Raises:
            BenchGone: the plugin manager has ended.
        """
        while True:
            changed = watch.wait(LOOK_S)
            self._bench.ask("ping")
            if changed is None:
                continue
            if not watch.is_there:
                self._reporter.note(f"{self._source} is gone; {self._what_stays()}, and a new one is waited for")
                continue
            self._reporter.note(f"changed: {_few(changed)}" if changed else f"{self._source} is there again")
            try:
                self.attempt()
            except BenchGone:
                raise
            except MobileOpsError as error:
                self._reporter.error(error)
                self._reporter.note(self._what_stays())

    def wait_until_it_ends(self) -> str | None:
        """Wait until the plugin has ended; return why, None when it was in order."""
        run = self._run
        while run is not None:
            now = self._status(run)
            if now["state"] in ENDED:
                return None if now["state"] == "stopped" else str(now["cause"])
            if now["pid"] != run.pid:
                return "it crashed, and was started again"
            time.sleep(LOOK_S)
        return None

    def _replace(self, before: Run | None, receipt: Receipt) -> Run:
        """Have a newly installed bundle run in the place of what runs; a failure leaves that running."""
        manifest = Receipts(self._bench.home).manifest(receipt)
        permissions = tuple(map(str, manifest.permissions))
        renamed = before is not None and before.receipt.name != receipt.name
        beside = before is not None and not renamed and not _listens(permissions) and not _listens(before.permissions)
        try:
            self._configure(self._bench.home, receipt)
            if before is not None and renamed:
                self._bench.ask("stop", name=before.receipt.name, force=True)
            state = self._bench.ask("reload" if beside else "restart", name=receipt.name, debug=self._debug)
        except MobileOpsError as error:
            if before is not None and not isinstance(error, BenchGone):
                self._put_back(before, receipt)
            raise
        self._run = Run(receipt, permissions, state["pid"])
        return self._run

    def _put_back(self, before: Run, receipt: Receipt) -> None:
        """Make what ran before what is installed, and start it if it was stopped for the new one."""
        if before.receipt.name == receipt.name:
            self._bench.go_back(receipt.name)
        if self._status(before)["state"] not in SERVING:
            state = self._bench.ask("start", name=before.receipt.name, debug=self._debug)
            self._run = before._replace(pid=state["pid"])

    def _tell(self, before: Run | None, run: Run) -> None:
        name, version = run.receipt.name, run.receipt.version
        if before is None:
            self._reporter.note(f"{name} {version} is running (pid {run.pid}), built and signed for this run alone")
        else:
            self._reporter.note(f"{name} {version} has taken over (pid {run.pid})")
        if before is None or before.permissions != run.permissions:
            self._reporter.note(f"permissions: {', '.join(run.permissions) or 'none'}")

    def _is_serving(self) -> bool:
        return self._run is not None and self._status(self._run)["state"] in SERVING

    def _status(self, run: Run) -> dict[str, Any]:
        (state,) = self._bench.ask("status", names=[run.receipt.name])
        return dict(state)

    def _what_stays(self) -> str:
        if self._run is not None and self._is_serving():
            return f"{self._run.receipt.name} {self._run.receipt.version} goes on running as it was"
        return "nothing is running"


def _listens(permissions: Sequence[str]) -> bool:
    return any(one.startswith(LISTENS) for one in permissions)


def _few(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
