from __future__ import annotations

import pytest

from mobileops.toolchain.sign.retry import Backoff, passing


class Answer(Exception):
    """An error with an answer of a server, as HTTP clients raise it."""

    def __init__(self, status):
        super().__init__(f"status {status}")
        self.response = type("Response", (), {"status_code": status})()


class Service:
    """Fail with these errors one after the other, then answer."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def __call__(self):
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def wrapped(cause):
    """Return an error as clients of Sigstore raise it: without a text, the cause behind it."""
    error = RuntimeError()
    error.__cause__ = cause
    return error


@pytest.fixture
def waits():
    return []


@pytest.fixture
def backoff(waits):
    return Backoff(sleep=waits.append)


def test_what_passes_is_tried_again_after_longer_and_longer_waits(backoff, waits):
    errors = (ConnectionError("refused"), wrapped(Answer(503)), Answer(429))
    assert backoff.call(Service(*errors)) == "answer"
    assert waits == [1.0, 3.0, 9.0]


def test_the_last_error_is_raised(backoff, waits):
    with pytest.raises(ConnectionError, match="3"):
        backoff.call(Service(*(ConnectionError(str(number)) for number in range(4))))
    assert len(waits) == 3


@pytest.mark.parametrize("error", [Answer(400), wrapped(Answer(401)), ValueError("no"), FileNotFoundError("root.json")])
def test_what_another_try_cannot_mend_is_raised_at_once(backoff, waits, error):
    with pytest.raises(type(error)):
        backoff.call(Service(error))
    assert waits == []


def test_an_answer_counts_before_the_connection_it_came_through():
    denied = Answer(403)
    denied.__cause__ = ConnectionError("closed")
    assert not passing(denied)
