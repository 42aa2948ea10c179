"""``pins.json``: who may sign which name, by the first install (`mobileops.runtime.trust.Pin`)."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Final

from mobileops.errors import RefusedError
from mobileops.runtime import journal
from mobileops.runtime.trust import Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.home import Home

MAX_PINS_BYTES: Final = 16 << 20
"""Of tens of thousands of plugins; `encode` returns no more than can be read again."""


def load(home: Home) -> dict[str, Pin]:
    """Return the pinned signers, name -> pin.

    Raises:
        RefusedError: pins.json cannot be read; without it any signer could take any name.
    """
    try:
        raw = json.loads(journal.read(home, home.pins, limit=MAX_PINS_BYTES))
        return {name: Pin.from_dict(pin) for name, pin in raw.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, ValueError, OSError) as error:  # no object, no JSON, too large
        raise RefusedError(
            f"the pinned signers cannot be read: {error}",
            code="MOP6003",
            where=str(home.pins),
            fix="restore the file from a backup, or run: mobileops doctor --repair",
        ) from error


def encode(pins: Mapping[str, Pin]) -> bytes:
    """Return what ``load`` reads.

    Raises:
        OSError: ``EFBIG``, it would not: these are too many.
    """
    data = json.dumps({name: pins[name].to_dict() for name in sorted(pins)}, indent=2, ensure_ascii=False).encode()
    if len(data) > MAX_PINS_BYTES:
        raise OSError(errno.EFBIG, f"pinned signers of more than {MAX_PINS_BYTES} bytes")
    return data
