"""``pins.json``: who may sign which name, by the first install (`mobileops.runtime.trust.Pin`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mobileops.errors import RefusedError
from mobileops.runtime import journal
from mobileops.runtime.trust import Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.home import Home


def load(home: Home) -> dict[str, Pin]:
    """Return the pinned signers, name -> pin.

    Raises:
        RefusedError: pins.json cannot be read; without it any signer could take any name.
    """
    try:
        raw = json.loads(journal.read(home, home.pins))
        return {name: Pin.from_dict(pin) for name, pin in raw.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, ValueError) as error:  # no object, no JSON
        raise RefusedError(
            f"the pinned signers cannot be read: {error}",
            code="MOP6003",
            where=str(home.pins),
            fix="restore the file from a backup, or run: mobileops doctor --repair",
        ) from error


def encode(pins: Mapping[str, Pin]) -> bytes:
    """Return what ``load`` reads."""
    return json.dumps({name: pins[name].to_dict() for name in sorted(pins)}, indent=2, ensure_ascii=False).encode()
