"""`mobileops.runtime.store`: installs that happen whole or not at all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from mobileops.errors import HostFault, MobileOpsError, NotFoundError, RefusedError, TrustRefused
from mobileops.runtime import audit, durable
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.receipts import Receipt


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path)


@pytest.fixture
def store(publisher: Publisher) -> Store:
    return Store(publisher.home)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def install(store: Store, publisher: Publisher, **plugin: object) -> Receipt:
    return store.install(publisher.publish(**plugin), verify=publisher.decision())


def test_an_installed_plugin_is_listed_with_its_signer(store: Store, publisher: Publisher) -> None:
    receipt = install(store, publisher)
    assert store.all() == [receipt] == [store.get("echo")]
    assert receipt.signer["identity"] == "author@localhost"
    assert store.manifest(receipt).name == "echo"
    assert store.pins()["echo"].identity == "author@localhost"


def test_installed_files_are_what_was_packed(store: Store, publisher: Publisher) -> None:
    receipt = install(store, publisher)
    assert (store.folder(receipt) / "main.py").read_bytes() == (publisher.workshop / "echo" / "main.py").read_bytes()
    store.check(receipt)


def test_installing_again_is_the_same_state(store: Store, publisher: Publisher) -> None:
    first = install(store, publisher)
    second = install(store, publisher)
    assert (first.sha256, first.folder) == (second.sha256, second.folder)
    assert sum(path.is_dir() for path in (publisher.home.store / "echo").iterdir()) == 1


def test_installing_again_does_not_touch_the_files_that_a_running_plugin_has_mounted(
    store: Store, publisher: Publisher
) -> None:
    before = (store.folder(install(store, publisher)) / "main.py").stat().st_ino
    assert (store.folder(install(store, publisher)) / "main.py").stat().st_ino == before


def test_another_version_replaces_the_first_which_stays_for_a_rollback(store: Store, publisher: Publisher) -> None:
    oldest = install(store, publisher)
    older = install(store, publisher, version="1.0.1")
    newer = install(store, publisher, version="1.1.0")
    assert (store.get("echo"), store.previous("echo")) == (newer, older)
    assert (store.folder(oldest) / "main.py").is_file()
    store.sweep(newer)
    left = {path.name for path in (publisher.home.store / "echo").iterdir()}
    sides = ("", ".sigstore.json", ".bytecode.json")
    kept = {f"{one.folder}{side}" for one in (older, newer) for side in sides}
    assert left == {"current.json", "previous.json", *kept}


def test_a_rollback_swaps_the_two_versions(store: Store, publisher: Publisher) -> None:
    older = install(store, publisher)
    newer = install(store, publisher, version="1.1.0")
    assert (store.rollback("echo"), store.get("echo"), store.previous("echo")) == (older, older, newer)


def test_nothing_is_swept_while_somebody_changes_the_store(store: Store, publisher: Publisher) -> None:
    oldest = install(store, publisher)
    install(store, publisher, version="1.0.1")
    newer = install(store, publisher, version="1.1.0")
    with durable.locked(publisher.home.run / "store.lock"):
        store.sweep(newer)
    assert store.folder(oldest).is_dir()


def test_a_shelf_that_a_crash_left_without_a_receipt_is_swept(store: Store, publisher: Publisher) -> None:
    (publisher.home.store / "left" / "1.0.0-abc").mkdir(parents=True)
    install(store, publisher)
    assert [path.name for path in publisher.home.store.iterdir()] == ["echo"]


@pytest.mark.parametrize("damage", ["unsigned", "tampered", "renamed"])
def test_a_bundle_that_is_not_trusted_leaves_nothing_behind(store: Store, publisher: Publisher, damage: str) -> None:
    bundle = publisher.publish()
    signature = bundle.with_name(bundle.name + ".sigstore.json")
    if damage == "unsigned":
        signature.unlink()
    elif damage == "tampered":
        data = bytearray(bundle.read_bytes())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(data)
    else:
        bundle = bundle.rename(bundle.with_name("other-1.0.0.zip"))
        signature.rename(signature.with_name("other-1.0.0.zip.sigstore.json"))
    with pytest.raises(RefusedError):
        store.install(bundle, verify=publisher.decision())
    assert list(publisher.home.staging.iterdir()) == list(publisher.home.store.iterdir()) == []
    assert store.pins() == {}


def test_another_signer_of_an_installed_name_is_refused(store: Store, publisher: Publisher) -> None:
    first = install(store, publisher)
    with pytest.raises(TrustRefused):
        install(store, publisher, identity="stranger@localhost", version="1.1.0")
    assert store.get("echo") == first


def test_the_verified_bytes_are_the_extracted_bytes_even_if_the_file_is_swapped_meanwhile(
    store: Store, publisher: Publisher
) -> None:
    bundle = publisher.publish()
    decide = publisher.decision()

    def swap_then_decide(copy: Path, signature: Path) -> object:
        verified = decide(copy, signature)
        bundle.write_bytes(b"something else")
        return verified

    receipt = store.install(bundle, verify=swap_then_decide)  # type: ignore[arg-type]
    store.check(receipt)


@pytest.mark.parametrize("name", ["echo", "..", "../echo", "", "a\0b", "x" * 300])
def test_a_name_that_is_not_installed_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        store.get(name)
    assert caught.value.code == "MOP6004"


def test_a_bundle_that_is_not_there_is_not_found(store: Store, publisher: Publisher, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.zip", tmp_path):
        with pytest.raises(NotFoundError):
            store.install(path, verify=publisher.decision())


def test_an_endless_bundle_is_refused_after_its_limit(
    store: Store, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = publisher.publish()
    with bundle.open("ab") as stream:
        stream.truncate(3 << 20)
    monkeypatch.setattr("mobileops.runtime.store.staging.MAX_ARCHIVE_BYTES", 1 << 20)
    sizes: list[int] = []

    def decide(copy: Path, _signature: Path) -> NoReturn:
        sizes.append(copy.stat().st_size)
        raise TrustRefused("too large", code="MOP2003")

    with pytest.raises(TrustRefused):
        store.install(bundle, verify=decide)
    assert sizes == [(1 << 20) + 1]


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n# added\n")


@pytest.mark.parametrize("where", ["main.py", "plugin.json", ".mobileops/files.json"])
def test_a_changed_file_is_noticed(store: Store, publisher: Publisher, where: str) -> None:
    receipt = install(store, publisher)
    change(store.folder(receipt) / where)
    with pytest.raises(RefusedError, match=where) as caught:
        store.check(receipt)
    assert caught.value.code == "MOP6006"


@pytest.mark.parametrize("how", ["added", "removed", "link"])
def test_an_added_removed_or_replaced_file_is_noticed(store: Store, publisher: Publisher, how: str) -> None:
    receipt = install(store, publisher)
    main = store.folder(receipt) / "main.py"
    if how == "added":
        (store.folder(receipt) / "vendor.py").write_text("")
    elif how == "removed":
        main.unlink()
    else:
        copy = publisher.workshop / "copy.py"
        main.rename(copy)
        main.symlink_to(copy)
    with pytest.raises(RefusedError):
        store.check(receipt)


def test_uninstall_keeps_data_and_purge_removes_all(store: Store, publisher: Publisher) -> None:
    install(store, publisher)
    data = publisher.home.data / "echo"
    data.mkdir()
    store.uninstall("echo")
    assert data.is_dir()
    assert store.all() == []
    assert "echo" in store.pins()
    install(store, publisher)
    for descriptor in audit.open_files(publisher.home.audit, "echo", "manager"):
        os.close(descriptor)
    store.uninstall("echo", purge=True)
    assert not data.exists()
    assert list(publisher.home.audit.iterdir()) == []
    assert store.pins() == {}


def test_purge_does_not_follow_a_link_that_a_plugin_planted(store: Store, publisher: Publisher, tmp_path: Path) -> None:
    install(store, publisher)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    data = publisher.home.data / "echo"
    data.mkdir()
    (data / "link").symlink_to(precious)
    store.uninstall("echo", purge=True)
    assert (precious / "file").read_text() == "kept"


def test_a_damaged_receipt_is_a_host_fault(store: Store, publisher: Publisher) -> None:
    install(store, publisher)
    (publisher.home.store / "echo" / "current.json").write_text("{")
    with pytest.raises(HostFault):
        store.get("echo")


def test_damaged_pins_refuse_every_install(store: Store, publisher: Publisher) -> None:
    publisher.home.pins.write_text("{")
    with pytest.raises(MobileOpsError):
        install(store, publisher)


@pytest.mark.parametrize("fails_at", range(3))
def test_a_full_disk_while_committing_keeps_the_old_state(
    store: Store, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    old = install(store, publisher)
    before = tree(store.folder(old))
    bundle = publisher.publish(version="1.1.0")
    decide = publisher.decision()
    writes = 0
    refused: list[Path] = []
    real = durable.write

    def limited(path: Path, data: bytes, *, mode: int = 0o600) -> None:
        nonlocal writes
        if writes == fails_at:
            refused.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        writes += 1
        real(path, data, mode=mode)

    monkeypatch.setattr(durable, "write", limited)
    with pytest.raises(HostFault, match="No space left") as caught:
        store.install(bundle, verify=decide)
    assert caught.value.where == str(refused[0])
    assert store.get("echo") == old
    assert tree(store.folder(old)) == before
    assert list(publisher.home.staging.iterdir()) == []


def test_a_refusal_names_the_file_that_was_given_and_not_the_copy(store: Store, publisher: Publisher) -> None:
    bundle = publisher.publish()
    signature = bundle.with_name(bundle.name + ".sigstore.json")
    signature.unlink()
    with pytest.raises(RefusedError) as error:
        store.install(bundle, verify=publisher.decision())
    assert error.value.where == str(signature)


def test_what_a_crash_left_in_staging_is_swept(store: Store, publisher: Publisher) -> None:
    (publisher.home.staging / "left" / "tree").mkdir(parents=True)
    install(store, publisher)
    assert list(publisher.home.staging.iterdir()) == []


def test_what_a_killed_write_left_goes_and_what_belongs_to_others_stays(store: Store, publisher: Publisher) -> None:
    home = publisher.home
    install(store, publisher)
    left = [home.root / ".pins.json.x1", home.root / ".autostart.json.x1", home.store / "echo" / ".current.json.x1"]
    kept = [home.root / ".mine", home.store / "echo" / ".ran.json.x1"]  # who starts a plugin writes the last one
    for path in (*left, *kept):
        path.write_text("")
    (home.store / "other" / "1.0.0").mkdir(parents=True)
    install(store, publisher)
    assert [path for path in (*left, *kept, home.store / "other") if path.exists()] == kept


def test_a_damaged_folder_is_repaired_by_installing_again(store: Store, publisher: Publisher) -> None:
    receipt = install(store, publisher)
    (store.folder(receipt) / "main.py").write_text("half")
    again = install(store, publisher)
    assert (again.sha256, store.get("echo")) == (receipt.sha256, again)
    assert again.folder != receipt.folder  # what is damaged may be mounted: it is not touched
    store.check(again)


def test_an_interruption_leaves_nothing_half_made(store: Store, publisher: Publisher) -> None:
    def interrupted(_copy: Path, _signature: Path) -> NoReturn:
        raise KeyboardInterrupt

    bundle = publisher.publish()
    with pytest.raises(KeyboardInterrupt):
        store.install(bundle, verify=interrupted)
    assert list(publisher.home.staging.iterdir()) == []
