"""The external system, as this plugin sees it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

MAX_ANSWER_BYTES = 1 << 20


class Remote:
    """A system that lists its items as JSON at one address.

    Args:
        endpoint: https address of the list; plugin.json declares its host under "permissions".
        timeout_s: seconds to wait for an answer.
    """

    def __init__(self, endpoint: str, *, timeout_s: float) -> None:
        if not endpoint.startswith("https://"):
            message = f"the endpoint begins with https://, not {endpoint!r}"
            raise ValueError(message)
        self.endpoint = endpoint
        self.timeout_s = timeout_s

    def items(self) -> list[Any]:
        """Return the items.

        Raises:
            OSError: the system cannot be reached.
            ValueError: it answered something else than a list.
        """
        return parse(self.fetch())

    def fetch(self) -> bytes:
        """Return the raw answer; one byte over the limit is enough to see that it is too long."""
        with urllib.request.urlopen(self.endpoint, timeout=self.timeout_s) as answer:
            return bytes(answer.read(MAX_ANSWER_BYTES + 1))


def parse(answer: bytes) -> list[Any]:
    """Return the items in an answer.

    Raises:
        ValueError: it is too long, no JSON, or no list.
    """
    if len(answer) > MAX_ANSWER_BYTES:
        message = f"the answer has more than {MAX_ANSWER_BYTES} bytes"
        raise ValueError(message)
    value = json.loads(answer)
    if not isinstance(value, list):
        message = f"the answer is a list of items, not {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004 - callers are promised one kind of error
    return value
