"""What was broken by hand is found, and mended where nothing of the publisher is needed for it."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from mobileops.errors import HostFault, MobileOpsError
from mobileops.runtime import journal
from mobileops.runtime.receipts import MAX_RECEIPT_BYTES
from mobileops.runtime.store import Store, bytecode, examination
from mobileops.runtime.store.rotation import rotate

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.receipts import Receipt
    from tests.fakes.signed_bundle import Publisher
    from tests.unit.runtime.store.conftest import Install


@pytest.fixture
def installed(install: Install) -> Receipt:
    install()
    return install(version="1.1.0")


def damage(what: str, store: Store, publisher: Publisher, receipt: Receipt) -> None:
    home, folder = publisher.home, store.folder(receipt)
    shelf = folder.parent
    store.ran(receipt)
    if what != "receipt that ran":
        (shelf / "ran.json").unlink()
    acts = {
        "bytecode": lambda: next((folder / "__pycache__").iterdir()).write_bytes(b""),
        "no bytecode": lambda: shutil.rmtree(folder / "__pycache__"),
        "bytecode table": lambda: bytecode.table_path(folder).write_text("{"),
        "modes": lambda: folder.chmod(0o700),
        "pins": lambda: home.pins.write_text("{"),
        "previous": lambda: shutil.rmtree(store.folder(store.previous(receipt.name) or receipt)),
        "previous receipt": lambda: (shelf / "previous.json").write_text("{"),
        "journal": lambda: (home.root / journal.NAME).write_text("{"),
        "receipt that ran": lambda: (shelf / "current.json").write_text("{"),
        "receipt": lambda: (shelf / "current.json").write_text("{"),
    }
    acts[what]()


MENDABLE = ["bytecode", "no bytecode", "bytecode table", "modes", "pins", "previous", "previous receipt"]


@pytest.mark.parametrize("what", [*MENDABLE, "journal", "receipt that ran"])
def test_what_was_broken_by_hand_is_mended(store: Store, publisher: Publisher, installed: Receipt, what: str) -> None:
    assert examination.examine(publisher.home) == []
    damage(what, store, publisher, installed)
    found = examination.examine(publisher.home)
    assert len(found) == 1
    assert found[0].mend is not None
    done = examination.repair(publisher.home)
    assert [(one.what, mended) for one, mended in done] == [(found[0].what, True)]
    assert examination.examine(publisher.home) == []
    now = store.get("echo")
    store.check(now)
    assert (now.version, now.sha256) == (installed.version, installed.sha256)
    assert "echo" in store.pins()


def test_a_lost_receipt_falls_back_to_the_version_before(
    store: Store, publisher: Publisher, installed: Receipt
) -> None:
    damage("receipt", store, publisher, installed)
    assert [mended for _, mended in examination.repair(publisher.home)] == [True]
    assert store.get("echo").version == "1.0.0"


@pytest.mark.parametrize("what", ["file", "signature", "only receipt", "link"])
def test_what_only_the_publisher_could_mend_is_reported(
    store: Store, publisher: Publisher, install: Install, tmp_path: Path, what: str
) -> None:
    receipt = install()
    main = store.folder(receipt) / "main.py"
    if what == "file":
        main.write_text("half")
    elif what == "signature":
        store.signature(receipt).unlink()
    elif what == "link":
        main.rename(tmp_path / "main.py")
        main.symlink_to(tmp_path / "main.py")
    else:
        (main.parents[1] / "current.json").write_text("{")
    done = examination.repair(publisher.home)
    assert [(one.mend, mended) for one, mended in done] == [(None, False)]
    assert "install echo" in done[0][0].fix


def test_bytecode_for_another_python_is_made_anew(store: Store, publisher: Publisher, installed: Receipt) -> None:
    folder = store.folder(installed)
    table = json.loads(bytecode.table_path(folder).read_text()) | {"python": "cpython-300"}
    data = json.dumps(table).encode()
    bytecode.table_path(folder).write_bytes(data)
    changed = msgspec.structs.replace(installed, bytecode_sha256=hashlib.sha256(data).hexdigest())
    (folder.parent / "current.json").write_bytes(msgspec.json.encode(changed))
    store.check(changed)
    (finding,) = examination.examine(publisher.home)
    assert "another Python" in finding.what
    examination.repair(publisher.home)
    assert examination.examine(publisher.home) == []


def test_nothing_is_read_or_changed_past_a_journal_that_cannot_be_read(
    store: Store, publisher: Publisher, installed: Receipt
) -> None:
    damage("journal", store, publisher, installed)
    for act in (lambda: store.get("echo"), lambda: store.uninstall("echo"), store.pins):
        with pytest.raises(MobileOpsError) as caught:
            act()
        assert caught.value.code == "MOP6009"


@pytest.mark.parametrize("which", ["current.json", "previous.json", "journal.json"])
def test_a_file_that_is_too_large_is_refused_and_mended(
    store: Store, publisher: Publisher, installed: Receipt, which: str
) -> None:
    """Padded with spaces it is the same JSON, and read to its end it would be accepted."""
    store.ran(installed)
    place = publisher.home.root / which if which == journal.NAME else store.folder(installed).parent / which
    limit = journal.MAX_JOURNAL_BYTES if which == journal.NAME else MAX_RECEIPT_BYTES
    data = place.read_bytes() if place.exists() else b"{}"
    place.write_bytes(data.ljust(limit))
    assert examination.examine(publisher.home) == []
    place.write_bytes(data.ljust(limit + 1))
    (finding,) = examination.examine(publisher.home)
    assert finding.where == str(place)
    if which != "previous.json":
        with pytest.raises(HostFault, match=f"larger than {limit} bytes") as caught:
            store.get("echo")
        assert caught.value.code == ("MOP6002" if which == "current.json" else "MOP6009")
    examination.repair(publisher.home)
    assert (examination.examine(publisher.home), store.get("echo")) == ([], installed)


def test_a_rotated_signer_is_not_pinned_again(store: Store, publisher: Publisher, installed: Receipt) -> None:
    rotate(store.home, installed.name, reason="a new key")
    assert examination.repair(publisher.home) == []
    assert store.pins() == {}
