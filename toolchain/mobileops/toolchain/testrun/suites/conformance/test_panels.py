"""Panels and widgets."""

from __future__ import annotations

import json
from typing import Any


def _declared(document: dict[str, Any], shown: str) -> dict[str, Any]:
    items = [one for section in ("panels", "widgets") for one in document["ui"].get(section, ())]
    return next(one for one in items if one["name"] == shown)


def test_it_is_drawn(initialized: Any, plugin_loader: Any, document: dict[str, Any], shown: str) -> None:
    """The method that `ui` names returns plain values, which the platform draws."""
    method = getattr(initialized, _declared(document, shown)["method"])
    content = plugin_loader.host.settle(method(shown))
    assert content is not None, "there is nothing to draw"
    json.dumps(content)
