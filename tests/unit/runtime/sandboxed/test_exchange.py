"""`mobileops.runtime.sandboxed.exchange`: several threads of a plugin on one channel."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import PermissionDenied, PluginGone
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.sandboxed.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 10


@pytest.fixture
def ends() -> Iterator[tuple[Exchange, BlockingChannel]]:
    ours, theirs = (BlockingChannel(one) for one in socket.socketpair())
    yield Exchange(theirs), ours
    ours.close()
    theirs.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def answer_one(manager: BlockingChannel) -> None:
    asked = manager.receive()
    assert asked.kind is Kind.ASK
    manager.send(Frame(Kind.RESULT, asked.id, "", [asked.method, asked.body]))


def test_a_question_gets_its_answer(ends, pool) -> None:
    exchange, manager = ends
    answering = pool.submit(answer_one, manager)
    assert exchange.ask("platform.x", {"a": 1}) == ["platform.x", {"a": 1}]
    answering.result(TIMEOUT_S)


def test_a_refusal_is_raised_as_the_class_it_was(ends, pool) -> None:
    exchange, manager = ends
    asking = pool.submit(exchange.ask, "event.publish", {})
    refusal = PermissionDenied("no", code="MOP5309", why="not declared")
    manager.send(Frame(Kind.ERROR, manager.receive().id, "", refusal.to_dict()))
    with pytest.raises(PermissionDenied, match="no"):
        asking.result(TIMEOUT_S)


def test_a_request_that_arrives_before_the_answer_waits_for_the_serving_thread(ends, pool) -> None:
    exchange, manager = ends
    asking = pool.submit(exchange.ask, "x", {})
    question = manager.receive()
    manager.send(Frame(Kind.CALL, 7, "first", {}))
    manager.send(Frame(Kind.CALL, 8, "second", {}))
    manager.send(Frame(Kind.RESULT, question.id, "", "answer"))
    assert asking.result(TIMEOUT_S) == "answer"
    assert [exchange.next_request().method, exchange.next_request().method] == ["first", "second"]


def test_the_serving_thread_reads_the_answer_of_another_thread(ends, pool) -> None:
    exchange, manager = ends
    serving = pool.submit(exchange.next_request)
    asking = pool.submit(exchange.ask, "x", {})
    manager.send(Frame(Kind.RESULT, manager.receive().id, "", "answer"))
    assert asking.result(TIMEOUT_S) == "answer"
    manager.send(Frame(Kind.CALL, 1, "call", {}))
    assert serving.result(TIMEOUT_S).method == "call"


def test_many_threads_get_each_their_own_answer(ends, pool) -> None:
    exchange, manager = ends
    asking = [pool.submit(exchange.ask, "x", {"n": number}) for number in range(6)]
    questions = [manager.receive() for _ in asking]
    for question in reversed(questions):
        manager.send(Frame(Kind.RESULT, question.id, "", question.body["n"]))
    assert [one.result(TIMEOUT_S) for one in asking] == list(range(6))


def test_everybody_learns_that_the_manager_is_gone(ends, pool) -> None:
    exchange, manager = ends
    waiting = [
        pool.submit(exchange.next_request),
        pool.submit(exchange.ask, "x", {}),
        pool.submit(exchange.ask, "y", {}),
    ]
    manager.receive()
    manager.receive()
    manager.close()
    for one in waiting:
        with pytest.raises(PluginGone):
            one.result(TIMEOUT_S)


def test_an_answer_that_nobody_waits_for_is_dropped(ends) -> None:
    exchange, manager = ends
    manager.send(Frame(Kind.RESULT, 99, "", "late"))
    manager.send(Frame(Kind.CALL, 1, "call", {}))
    assert exchange.next_request().method == "call"


def test_what_cannot_be_encoded_leaves_nothing_waiting(ends) -> None:
    exchange, _manager = ends
    with pytest.raises(TypeError):
        exchange.ask("x", {"lock": threading.Lock()})
    assert exchange._answers == {}
