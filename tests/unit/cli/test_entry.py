"""`mobileops.cli.entry`: what SIGINT does before, during and after a command; tests/integration sends it at moments."""

from __future__ import annotations

import importlib
import signal
from typing import TYPE_CHECKING, Any

import pytest

import mobileops.cli.main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Import the module anew with a handler of SIGINT, and with something in the place of the command line."""
    before = signal.getsignal(signal.SIGINT)

    def enter(handler: Any, run: Callable[[], int]) -> Any:
        signal.signal(signal.SIGINT, handler)
        monkeypatch.setattr(mobileops.cli.main, "main", run)
        return importlib.reload(importlib.import_module("mobileops.cli.entry"))

    yield enter
    signal.signal(signal.SIGINT, before)


def handler() -> Any:
    return signal.getsignal(signal.SIGINT)


def interrupted() -> int:
    raise KeyboardInterrupt


def test_a_command_can_catch_the_signal_and_nothing_around_it_has_to(entered: Callable[..., Any]) -> None:
    seen = []
    entry = entered(signal.default_int_handler, lambda: seen.append(handler()) or 3)
    assert handler() == signal.SIG_DFL
    assert entry.main() == 3
    assert (seen, handler()) == ([signal.default_int_handler], signal.SIG_DFL)


def test_an_interrupt_that_the_command_did_not_catch_is_its_exit_code(entered: Callable[..., Any]) -> None:
    assert entered(signal.default_int_handler, interrupted).main() == 130
    assert handler() == signal.SIG_DFL


def test_a_signal_that_is_ignored_stays_ignored(entered: Callable[..., Any]) -> None:
    seen = []
    entry = entered(signal.SIG_IGN, lambda: seen.append(handler()) or 0)
    assert (entry.main(), seen, handler()) == (0, [signal.SIG_IGN], signal.SIG_IGN)
