from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import RefusedError

if TYPE_CHECKING:
    from mobileops.runtime.store import Store
    from tests.unit.runtime.store.conftest import Install

SAME = {"data.bin": "x" * 10_000}


def test_two_versions_hold_an_equal_file_once(store: Store, install: Install) -> None:
    before, after = install(files=SAME), install(version="1.1.0", files=SAME)
    assert (store.folder(before) / "data.bin").samefile(store.folder(after) / "data.bin")
    assert not (store.folder(before) / "plugin.json").samefile(store.folder(after) / "plugin.json")
    store.check(before)
    store.check(after)


def test_a_damaged_file_of_the_older_version_does_not_get_into_the_newer(store: Store, install: Install) -> None:
    before = install(files=SAME)
    (store.folder(before) / "data.bin").write_text("x" * 9_999 + "y")
    after = install(version="1.1.0", files=SAME)
    store.check(after)
    with pytest.raises(RefusedError):
        store.check(before)


@pytest.mark.parametrize("how", ["link", "mode", "other content"])
def test_what_only_looks_equal_is_not_shared(store: Store, install: Install, tmp_path: Path, how: str) -> None:
    data = store.folder(install(files=SAME)) / "data.bin"
    if how == "link":
        data.rename(tmp_path / "elsewhere")
        data.symlink_to(tmp_path / "elsewhere")
    elif how == "mode":
        data.chmod(0o666)
    after = install(version="1.1.0", files=SAME if how != "other content" else {"data.bin": "z" * 10_000})
    assert not (data).samefile(store.folder(after) / "data.bin")
    store.check(after)


def test_a_file_system_without_links_stores_it_twice(
    store: Store, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = install(files=SAME)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    after = install(version="1.1.0", files=SAME)
    assert not (store.folder(before) / "data.bin").samefile(store.folder(after) / "data.bin")
    store.check(after)
