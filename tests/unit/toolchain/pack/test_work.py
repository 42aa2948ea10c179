from __future__ import annotations

import threading
import time

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
    started, done = threading.Event(), []

    def until_left():
        started.set()
        while working._queue.qsize() < 2:  # what has not begun, and the end that leaving puts behind it
            time.sleep(0.001)

    with Threads(1) as working:
        working.submit(until_left)
        assert started.wait(10)
        working.submit(lambda: done.append(1))
    assert done == []
    assert all(thread.name != "pack" for thread in threading.enumerate())
