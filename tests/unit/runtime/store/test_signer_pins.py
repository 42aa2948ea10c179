from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import RefusedError
from mobileops.runtime.home import Home
from mobileops.runtime.store import signer_pins
from mobileops.runtime.trust import Pin

if TYPE_CHECKING:
    from pathlib import Path

PINS = {
    "zeta": Pin(root="local", assurance="local", issuer="https://login", identity="dév@localhost"),
    "alpha": Pin(root="fleet", assurance="key", key_hint="AAAA"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_what_is_written_is_read(home: Home) -> None:
    assert signer_pins.load(home) == {}
    home.pins.write_bytes(signer_pins.encode(PINS))
    assert signer_pins.load(home) == PINS
    assert list(json.loads(home.pins.read_bytes())) == ["alpha", "zeta"]


def test_pins_that_are_too_large_or_no_file_are_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    data = signer_pins.encode(PINS)
    home.pins.write_bytes(data + b" " * (signer_pins.MAX_PINS_BYTES - len(data)))
    assert signer_pins.load(home) == PINS
    with home.pins.open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(RefusedError, match=f"larger than {signer_pins.MAX_PINS_BYTES} bytes") as refused:
        signer_pins.load(home)
    assert refused.value.code == "MOP6003"
    monkeypatch.setattr(signer_pins, "MAX_PINS_BYTES", len(data) - 1)
    with pytest.raises(OSError, match="more than"):
        signer_pins.encode(PINS)  # nobody writes what nobody reads
    home.pins.unlink()
    os.mkfifo(home.pins)
    with pytest.raises(RefusedError, match="not a regular file") as refused:
        signer_pins.load(home)
    assert refused.value.code == "MOP6003"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "MOP6003"), (b"\xff", "MOP6003"), (b"[]", "MOP6003"), (b'{"a": {', "MOP6003"), (b'{"a": 1}', "MOP3107")],
)
def test_damaged_pins_are_refused_and_never_taken_for_none(home: Home, content: bytes, code: str) -> None:
    home.pins.write_bytes(content)
    with pytest.raises(RefusedError) as refused:
        signer_pins.load(home)
    assert refused.value.code == code
