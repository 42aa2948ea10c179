"""Whether installed files are what was verified, when something other than a file lies in their place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mobileops.bundle import FILES_MEMBER
from mobileops.errors import RefusedError
from mobileops.runtime.store import Store, integrity

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.runtime.store.conftest import Install


@pytest.mark.parametrize("name", ["empty.py", FILES_MEMBER])
def test_a_pipe_in_the_place_of_a_file_is_noticed_and_not_waited_for(store: Store, install: Install, name: str) -> None:
    receipt = install(files={"empty.py": ""})
    store.check(receipt)
    path = store.folder(receipt) / name
    path.unlink()
    os.mkfifo(path)  # nobody writes to it: to a reader that does not wait it looks like an empty file
    with pytest.raises(RefusedError, match=name) as caught:
        store.check(receipt)
    assert caught.value.code == "MOP6006"


def test_what_is_larger_than_a_member_can_be_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"12345")
    assert integrity.read(path) == b"12345"
    monkeypatch.setattr(integrity, "MAX_MEMBER_BYTES", 4)
    assert integrity.read(path) == b""
