"""A bar that appears late, on the stream that it was given, and goes away."""

from __future__ import annotations

import io

import pytest

from mobileops.toolchain.progress import APPEARS_AFTER_S, Bar


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_work_that_is_soon_done_shows_nothing(terminal):
    clock = Clock()
    with Bar(terminal, label="packing", clock=clock) as bar:
        clock.now += APPEARS_AFTER_S * 0.99
        bar(5, 10)
    assert terminal.getvalue() == ""


def test_longer_work_shows_how_far_it_is(terminal):
    clock = Clock()
    with Bar(terminal, label="packing", clock=clock) as bar:
        clock.now += APPEARS_AFTER_S
        bar(5_000_000, 10_000_000)
        clock.now += 1
        bar(8_000_000, 10_000_000)
    shown = terminal.getvalue()
    assert "packing" in shown
    assert "5.0/10.0 MB" in shown
    assert "8.0/10.0 MB" in shown


def test_the_bar_is_not_drawn_more_often_than_anybody_can_read(terminal):
    clock = Clock()
    with Bar(terminal, label="packing", clock=clock) as bar:
        clock.now += APPEARS_AFTER_S
        for done in range(1000):
            bar(done * 1_000_000, 1_000_000_000)
        assert terminal.getvalue().count("packing") <= 3


def _interrupted(bar, clock):
    clock.now += APPEARS_AFTER_S
    bar(5, 10)
    raise KeyboardInterrupt


def test_the_cursor_comes_back_after_an_interrupt(terminal):
    clock = Clock()
    bar = Bar(terminal, label="packing", clock=clock)
    with pytest.raises(KeyboardInterrupt), bar:
        _interrupted(bar, clock)
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")
