from __future__ import annotations

import threading

import pytest

from mobileops.toolchain.pack.work import Inline, Threads


def _fail():
    raise ValueError("no")


@pytest.mark.parametrize("workers", [Inline(), Threads(2)], ids=["inline", "threads"])
def test_results_and_errors_come_back(workers):
    with workers as working:
        good, bad = working.submit(lambda: 42), working.submit(_fail)
        assert good() == 42
        with pytest.raises(ValueError, match="no"):
            bad()


def test_leaving_drops_what_has_not_begun():
    started, go, done = threading.Event(), threading.Event(), []
    with Threads(1) as working:
        working.submit(lambda: (started.set(), go.wait(10)))
        working.submit(lambda: done.append(1))
        started.wait(10)
        threading.Timer(0.05, go.set).start()
    assert done == []
    assert all(thread.name != "pack" for thread in threading.enumerate())
