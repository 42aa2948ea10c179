"""Forget the pinned signer of a name, because the publisher changed, and record that somebody did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from mobileops.errors import NotFoundError
from mobileops.runtime import journal
from mobileops.runtime.logs import timestamp
from mobileops.runtime.store import signer_pins
from mobileops.runtime.store.changing import changing

if TYPE_CHECKING:
    from mobileops.runtime.home import Home
    from mobileops.runtime.trust import Pin


def rotate(home: Home, name: str, *, reason: str) -> Pin:
    """Forget the pinned signer of a name: the next verified install pins its signer. The change is recorded.

    Args:
        home: whose pins.
        name: the plugin.
        reason: why, for whoever reads the record later.

    Raises:
        NotFoundError: ``MOP3140``, no signer is pinned under that name.
    """
    with changing(home):
        pins = signer_pins.load(home)
        if name not in pins:
            raise NotFoundError(
                f"no signer is pinned for {name!r}",
                code="MOP3140",
                where=str(home.pins),
                fix="mobileops trust show lists the pins",
            )
        forgotten = pins.pop(name)
        entry = {"time": timestamp(time.time()), "name": name, "reason": reason, "forgotten": forgotten.to_dict()}
        with home.trust_log.open("ab") as log:
            log.write(msgspec.json.encode(entry) + b"\n")
        journal.commit(home, {home.pins: signer_pins.encode(pins)})
    return forgotten
