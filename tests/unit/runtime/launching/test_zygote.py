"""The zygote: what it takes back before it forks; the rest runs where nothing can be measured."""

from __future__ import annotations

import signal

import pytest

from mobileops.runtime.launching.zygote import forget_ignored_signals


@pytest.fixture(params=[signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def ignored(request: pytest.FixtureRequest):
    before = signal.signal(request.param, signal.SIG_IGN)
    interrupt = signal.getsignal(signal.SIGINT)
    yield request.param
    signal.signal(request.param, before)
    signal.signal(signal.SIGINT, interrupt)


def test_a_signal_that_the_manager_ignores_is_not_ignored_by_plugins(ignored: signal.Signals) -> None:
    forget_ignored_signals()
    assert signal.getsignal(ignored) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_what_python_ignores_itself_stays_ignored(ignored: signal.Signals) -> None:
    forget_ignored_signals()
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
