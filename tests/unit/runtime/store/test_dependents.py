"""`mobileops.runtime.store.dependents`: who needs whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from mobileops.runtime.store import dependents

if TYPE_CHECKING:
    from mobileops.runtime.receipts import Receipts

NOBODY = cast("Receipts", None)


@pytest.mark.parametrize(
    ("needed", "chains"),
    [
        ({"left": "base", "right": "base", "top": "left right"}, [("base", "right"), ("base", "left", "top")]),
        ({"base": "top", "top": "base"}, [("base", "top")]),
        ({"base": "base"}, []),
    ],
)
def test_each_that_needs_it_is_in_one_chain_and_a_circle_ends(
    monkeypatch: pytest.MonkeyPatch, needed: dict[str, str], chains: list[tuple[str, ...]]
) -> None:
    found: dict[str, Any] = {name: dict.fromkeys(words.split(), "*") for name, words in needed.items()}
    monkeypatch.setattr(dependents, "needs", lambda _receipts: found)
    assert dependents.chains(NOBODY, ["base"]) == chains
