"""What is reported of a plugin that no run is known of; imports nothing, so that the command line can say it, too."""

from __future__ import annotations

from typing import Any


def describe(name: str, state: str, *, cause: str, since: str | None = None) -> dict[str, Any]:
    """Return what `Instance.describe` would, without its version.

    Args:
        name: the plugin's.
        state: a word of `lifecycle.State`.
        cause: why it is in that state.
        since: RFC 3339 time, if known.
    """
    return {
        "name": name,
        "state": state,
        "cause": cause,
        "since": since,
        "pid": None,
        "methods": [],
        "isolation": None,
        "not_enforced": [],
        "debug": None,
        "history": [],
    }
