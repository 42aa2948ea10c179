"""`mobileops.runtime.sandboxed.outbox`: many short answers in one system call, and none of them late."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mobileops.errors import PluginGone
from mobileops.runtime.sandboxed.outbox import MAX_HELD, MAX_HELD_BYTES, Outbox


class Written(list[bytes]):
    """What was written, each write an item; `some` is set by each."""

    def __init__(self) -> None:
        super().__init__()
        self.some = threading.Event()

    def __call__(self, wire: bytes) -> None:
        self.append(wire)
        self.some.set()


def test_what_is_held_goes_out_before_what_is_sent() -> None:
    written = Written()
    outbox = Outbox(written)
    outbox.add(b"a")
    outbox.add(b"b")
    outbox.send(b"c")
    assert written == [b"abc"]


def test_what_is_held_goes_out_by_itself_though_nothing_follows() -> None:
    written = Written()
    Outbox(written).hold(b"a")
    assert written.some.wait(10)
    assert written == [b"a"]


def test_what_is_held_goes_out_by_itself_again_and_again() -> None:
    written = Written()
    outbox = Outbox(written)
    for number in range(20):
        written.some.clear()
        outbox.hold(b"%d." % number)
        assert written.some.wait(10)
    assert b"".join(written) == b"".join(b"%d." % number for number in range(20))


def test_only_so_many_are_held() -> None:
    written = Written()
    outbox = Outbox(written)
    for _ in range(MAX_HELD):
        outbox.hold(b"a")
    assert sum(map(len, written)) == MAX_HELD


def test_a_long_one_is_not_held() -> None:
    written = Written()
    Outbox(written).hold(b"a" * (MAX_HELD_BYTES + 1))
    assert len(written) == 1


def test_without_a_thread_nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    written = Written()
    outbox = Outbox(written)
    outbox.hold(b"a")
    outbox.hold(b"b")
    assert written == [b"a", b"b"]


def test_nothing_is_written_twice_or_lost_between_threads() -> None:
    written = Written()
    outbox = Outbox(written)
    threads = [threading.Thread(target=lambda: [outbox.send(b"s") for _ in range(500)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(500):
        outbox.hold(b"h")
    for thread in threads:
        thread.join()
    outbox.flush()
    everything = b"".join(written)
    assert (everything.count(b"s"), everything.count(b"h")) == (1000, 500)


def broken(_wire: bytes) -> Any:
    raise BrokenPipeError


def test_an_end_of_the_other_side_is_told_to_whoever_sends() -> None:
    outbox = Outbox(broken)
    with pytest.raises(PluginGone):
        outbox.send(b"a")
