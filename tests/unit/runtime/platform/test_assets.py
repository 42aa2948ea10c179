"""The store of assets, on a real disk."""

from __future__ import annotations

import hashlib
import io
import os

import pytest

from mobileops.errors import HostFault, NotFoundError, RefusedError, UsageError
from mobileops.runtime.home import Home
from mobileops.runtime.platform.assets import Assets

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path):
    return Assets(Home(tmp_path / "home").prepare())


def add(store, name="model", content=CONTENT, **options):
    return store.add(name, io.BytesIO(content), **options)


def test_what_was_added_is_found_with_its_digest(store):
    add(store, digest=f"sha256:{DIGEST}")
    found = store.find("model")
    assert (found.entry.sha256, found.entry.size, found.path.read_bytes()) == (DIGEST, len(CONTENT), CONTENT)


def test_a_stored_file_can_be_read_by_plugins_and_written_by_nobody(store):
    assert add(store).path.stat().st_mode & 0o777 == 0o444
    assert store.contents.stat().st_mode & 0o777 == 0o755


def test_a_file_with_another_digest_is_refused_and_leaves_nothing(store):
    with pytest.raises(RefusedError) as caught:
        add(store, digest=f"sha256:{'0' * 64}")
    assert caught.value.code == "MOP5311"
    assert list(store.contents.iterdir()) == []
    assert store.all() == []


def test_a_reader_that_fails_leaves_nothing(store):
    class Failing(io.BytesIO):
        def read(self, _size):
            raise OSError("as asked")

    with pytest.raises(OSError, match="as asked"):
        store.add("model", Failing())
    assert list(store.contents.iterdir()) == []


@pytest.mark.parametrize("name", ["", "Model", "../model", "a/b", ".model", "model-", "a" * 65, "model\n"])
def test_a_name_that_is_none_is_refused(store, name):
    with pytest.raises(UsageError) as caught:
        add(store, name)
    assert caught.value.code == "MOP5314"


def test_a_digest_that_is_none_is_refused(store):
    with pytest.raises(UsageError):
        add(store, digest=DIGEST)


def test_a_name_added_again_stands_for_the_new_content_and_the_old_is_removed(store):
    old = add(store)
    new = add(store, content=b"other")
    assert [one.entry.sha256 for one in store.all()] == [new.entry.sha256]
    assert not old.path.exists()


def test_content_goes_with_its_last_name(store):
    path = add(store).path
    add(store, "copy")
    store.remove("model")
    assert path.exists()
    store.remove("copy")
    assert not path.exists()


def test_what_a_crash_left_is_removed_once_it_is_old(store):
    for name, age_s in ((".incoming-old", 7200), (".incoming-new", 0)):
        (store.contents / name).write_bytes(b"half")
        when = (store.contents / name).stat().st_mtime - age_s
        os.utime(store.contents / name, (when, when))
    add(store)
    assert sorted(path.name for path in store.contents.iterdir()) == sorted([".incoming-new", DIGEST])


def test_an_absent_asset_is_an_error_that_says_how_to_add_it(store):
    for ask in (store.find, store.remove):
        with pytest.raises(NotFoundError) as caught:
            ask("model")
        assert caught.value.code == "MOP5310"
    with pytest.raises(NotFoundError):
        store.find("model", sha256=DIGEST)


def test_a_declared_digest_finds_the_content_under_whatever_name(store):
    add(store, "new-name")
    add(store, content=b"newer version")
    assert store.find("model", sha256=DIGEST).name == "new-name"


def test_a_content_that_is_not_the_declared_one_is_refused(store):
    add(store, content=b"another version")
    with pytest.raises(RefusedError) as caught:
        store.find("model", sha256=DIGEST)
    assert caught.value.code == "MOP5312"
    assert DIGEST in caught.value.why


def test_a_file_that_was_changed_behind_the_stores_back_is_refused(store):
    stored = add(store)
    store.check(stored)
    stored.path.unlink()
    stored.path.write_bytes(CONTENT[:-1] + b"X")
    with pytest.raises(RefusedError) as caught:
        store.check(stored)
    assert caught.value.code == "MOP5313"


def test_a_file_that_is_gone_is_refused(store):
    stored = add(store)
    stored.path.unlink()
    with pytest.raises(RefusedError):
        store.check(stored)


def test_a_list_that_cannot_be_read_is_an_error_that_says_where(store):
    add(store)
    (store._home.assets / "index.json").write_text('{"model": 5}')
    with pytest.raises(HostFault) as caught:
        store.all()
    assert caught.value.where.endswith("index.json")
