"""What the panels show."""

from __future__ import annotations

from typing import Any


def overview(title: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a panel with one row a value, in the order given.

    Raises:
        ValueError: there is nothing to show.
    """
    if not values:
        message = "a panel has at least one row"
        raise ValueError(message)
    return {"title": title, "rows": [{"label": label, "value": str(value)} for label, value in values.items()]}
