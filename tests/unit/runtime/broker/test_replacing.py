"""The host's sockets in the place of a plugin's, with a listener that writes down what it was told."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from mobileops.runtime.broker import replacing
from mobileops.runtime.broker.notify import Notification
from mobileops.runtime.broker.replacing import Replacement, Replacements

CALL = Notification(id=1, task=2, number=3, arguments=(7, 0, 0, 0, 0, 0))


class Refused(socket.socket):
    """A socket whose connection nobody took."""

    def getsockopt(self, *_words):
        return errno.ECONNREFUSED


class World:
    """Everything that a plugin's replacements touch."""

    def __init__(self):
        self.answers, self.replaced, self.watched, self.gone = [], [], {}, None
        self.all = Replacements(self, watch=self.watched.__setitem__)
        self.ours = socket.socket()

    def answer(self, notification, error=0):
        self.answers.append((notification.id, error))

    def replace(self, notification, descriptor, source, *, close_on_exec):
        if self.gone is not None:
            raise self.gone
        self.replaced.append((notification.id, descriptor, close_on_exec))

    def waiting(self, deadline=None):
        one = Replacement(CALL, self.ours, close_on_exec=True, deadline=deadline)
        self.all.put_when_connected(one)
        return one

    @property
    def is_closed(self):
        return self.ours.fileno() == -1


@pytest.fixture
def world():
    made = World()
    yield made
    made.ours.close()


def test_a_connection_that_is_there_takes_the_place_and_is_answered(world):
    world.waiting()
    assert (world.answers, world.replaced) == ([], [])
    world.watched[world.ours]()
    assert (world.replaced, world.answers, world.is_closed) == ([(1, 7, True)], [(1, 0)], True)


def test_a_connection_that_failed_is_answered_with_its_errno_and_replaces_nothing(world):
    world.ours.close()
    world.ours = Refused()
    world.waiting()
    world.watched[world.ours]()
    assert (world.replaced, world.answers, world.is_closed) == ([], [(1, errno.ECONNREFUSED)], True)


def test_a_wait_ends_at_its_deadline_and_what_comes_later_is_not_answered_again(world):
    world.waiting(deadline=time.monotonic() - 1)
    world.all.expire()
    world.watched[world.ours]()
    assert (world.answers, world.all.next_deadline) == ([(1, errno.EINPROGRESS)], None)


def test_a_wait_whose_deadline_is_not_there_goes_on(world):
    late = time.monotonic() + 3600
    world.waiting(deadline=late)
    world.all.expire()
    assert (world.answers, world.all.next_deadline) == ([], late)


def test_a_caller_that_cannot_be_given_a_socket_is_told_why_and_nothing_stays_open(world):
    world.gone = OSError(errno.EBADF, "no such descriptor")
    world.all.put(Replacement(CALL, world.ours, close_on_exec=False), 0, blocking=True)
    assert (world.answers, world.is_closed) == ([(1, errno.EBADF)], True)


def test_more_are_not_waited_for_than_may_be_and_all_are_given_up_at_the_end(world, monkeypatch):
    monkeypatch.setattr(replacing, "WAITING_LIMIT", 1)
    assert not world.all.is_full
    world.waiting()
    assert world.all.is_full
    world.all.close()
    assert (world.all.is_full, world.answers, world.is_closed) == (False, [], True)
