"""Is the store as installing leaves it? ``doctor`` asks, and ``doctor --repair`` mends what can be mended.

A crash leaves nothing to mend: what these rules find was changed by hand, by another program, by a bad disk, or by a
new Python. What a publisher signed cannot be made here: a plugin whose signed files are damaged has to be fetched again
(`mobileops.runtime.installation.mending`).
"""

from __future__ import annotations

import dataclasses
import functools
import stat
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from mobileops.bundle import FILES_MEMBER
from mobileops.errors import HostFault, MobileOpsError, NotFoundError, RefusedError
from mobileops.runtime import durable, journal
from mobileops.runtime.receipts import CURRENT, MAX_RECEIPT_BYTES, PREVIOUS, RAN, Receipt
from mobileops.runtime.store import bytecode, integrity, placing, signer_pins, staging
from mobileops.runtime.store.changing import changing
from mobileops.runtime.store.operations import Store
from mobileops.runtime.trust import Pin, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mobileops.bundle.flushing import Flusher
    from mobileops.runtime.home import Home

Mend: TypeAlias = "Callable[[], object]"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as installing leaves it.

    Attributes:
        what: is wrong, one line.
        where: file or folder.
        fix: what mends it.
        mend: does so under the store's lock; None when the bundle is needed, or a person.
        lost: receipt of the plugin whose signed files or signature are damaged.
    """

    what: str
    where: str
    fix: str
    mend: Mend | None = None
    lost: Receipt | None = None


def examine(home: Home) -> list[Finding]:
    """Return everything that is wrong; nothing is changed, and no lock is taken."""
    store = Store(home)
    try:
        names = _names(home)
    except HostFault as error:
        remove = (home.root / journal.NAME).unlink
        return [Finding(error.what, error.where or "", "remove it: what it changed last may be undone", remove)]
    found = list(_pins(home, store))
    for name in names:
        found += _plugin(home, store, name)
    return found


def repair(home: Home) -> list[tuple[Finding, bool]]:
    """Mend what can be mended; return each finding, and whether it is gone.

    Raises:
        HostFault: the disk refuses.
    """
    done: list[tuple[Finding, bool]] = []
    first = [one for one in examine(home) if one.mend and one.where == str(home.root / journal.NAME)]
    for finding in first:
        assert finding.mend is not None  # noqa: S101  chosen so
        finding.mend()
        done.append((finding, True))
    with changing(home):
        found = examine(home)
        mends = [one.mend for one in found if one.mend is not None]
        for mend in mends:
            mend()
        left = {(one.what, one.where) for one in (examine(home) if mends else found)}
    return done + [(one, (one.what, one.where) not in left) for one in found]


def _names(home: Home) -> list[str]:
    shelves = {path.name for path in home.store.iterdir() if (path / CURRENT).exists()}
    return sorted(shelves | {path.parent.name for path in journal.pending_paths(home) if path.name == CURRENT})


def _pins(home: Home, store: Store) -> Iterator[Finding]:
    try:
        store.pins()
    except RefusedError as error:

        def rebuild() -> None:
            pins = {receipt.name: _pin(receipt) for receipt in _readable(home, store)}
            durable.write(home.pins, signer_pins.encode(pins))

        fix = "take the signers of what is installed; those of plugins that were uninstalled are forgotten"
        yield Finding(error.what, str(home.pins), fix, rebuild)


def _plugin(home: Home, store: Store, name: str) -> Iterator[Finding]:
    try:
        receipt = store.get(name)
    except NotFoundError:  # uninstalled since
        return
    except HostFault as error:
        yield _unreadable(home, store, name, error)
        return
    yield from _modes(store, receipt)
    yield from _files(home, store, receipt)
    yield from _previous(home, store, receipt)


def _unreadable(home: Home, store: Store, name: str, error: HostFault) -> Finding:
    shelf = home.store / name
    for which in (RAN, PREVIOUS):
        data = integrity.read(shelf / which)
        try:
            receipt = msgspec.json.decode(data, type=Receipt)
            store.check(receipt)
        except (msgspec.DecodeError, MobileOpsError, OSError):
            continue
        fix = f"take the receipt of version {receipt.version}, {'which ran last' if which == RAN else 'the one before'}"
        restore = functools.partial(durable.write, shelf / CURRENT, data, mode=0o644)
        return Finding(error.what, str(shelf / CURRENT), fix, restore)
    return Finding(error.what, str(shelf / CURRENT), f"install {name} again from its bundle")


def _modes(store: Store, receipt: Receipt) -> Iterator[Finding]:
    folder = store.folder(receipt)
    for path in (folder.parent, folder, *(path for path in folder.rglob("*") if path.is_dir())):
        if path.is_dir() and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) != placing.SHELF_MODE:
            what = f"a folder of {receipt.name!r} cannot be entered by the plugin, or can be changed by others"
            fix = f"give it the mode {placing.SHELF_MODE:04o}"
            yield Finding(what, str(path), fix, functools.partial(path.chmod, placing.SHELF_MODE))


def _files(home: Home, store: Store, receipt: Receipt) -> Iterator[Finding]:
    folder = store.folder(receipt)
    where = str(folder)
    if not integrity.read(store.signature(receipt)):
        what = f"the signature of {receipt.name!r} is gone"
        yield Finding(what, str(store.signature(receipt)), _fetch(receipt), lost=receipt)
        return
    try:
        store.check(receipt)
    except (MobileOpsError, OSError) as error:
        what = error.what if isinstance(error, MobileOpsError) else str(error)
        if _signed_files_are_whole(folder, receipt):
            yield Finding(what, where, "compile the sources again", lambda: _compile_again(home, store, receipt))
        else:
            back = f", or mobileops rollback {receipt.name}" if store.previous(receipt.name) else ""
            yield Finding(what, where, f"{_fetch(receipt)}{back}", lost=receipt)
        return
    if not bytecode.is_for_this_python(bytecode.read_table(folder)):
        what = f"{receipt.name!r} was compiled for another Python"
        yield Finding(what, where, "compile the sources again", lambda: _compile_again(home, store, receipt))


def _fetch(receipt: Receipt) -> str:
    return (
        "mobileops doctor --repair fetches the same bundle again from where plugins come from; "
        f"else install {receipt.name} {receipt.version} again from its file"
    )


def _previous(home: Home, store: Store, receipt: Receipt) -> Iterator[Finding]:
    place = home.store / receipt.name / PREVIOUS
    try:
        data = journal.read(home, place, limit=MAX_RECEIPT_BYTES)
    except FileNotFoundError:
        return
    except OSError:  # too large, or no file
        data = b""
    try:
        store.check(msgspec.json.decode(data, type=Receipt))
    except (msgspec.DecodeError, MobileOpsError, OSError):
        what = f"the version of {receipt.name!r} before this one is damaged"
        yield Finding(what, str(place), "forget it: there is nothing to go back to", place.unlink)


def _signed_files_are_whole(folder: Path, receipt: Receipt) -> bool:
    try:
        entries = integrity.table(folder, receipt).entries
        strange = integrity.present(folder) - {*entries, FILES_MEMBER}
    except (MobileOpsError, OSError):
        return False
    return all(map(bytecode.is_bytecode, strange)) and all(
        integrity.digest(folder / name) == entry.sha256 for name, entry in entries.items()
    )


def _compile_again(home: Home, store: Store, receipt: Receipt) -> None:
    """Put the signed files under new names into a folder of its own with new bytecode: the old one may be mounted."""
    folder, signature = store.folder(receipt), store.signature(receipt)
    table = integrity.table(folder, receipt)

    def link(tree: Path, _flusher: Flusher) -> None:
        for name in (*table.entries, FILES_MEMBER):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).hardlink_to(folder / name)
        for path in (tree, *(path for path in tree.rglob("*") if path.is_dir())):
            path.chmod(placing.SHELF_MODE)
            durable.sync_folder(path)

    with staging.folder(home.staging) as scratch:
        label = f"{receipt.version}-{receipt.sha256[:16]}"
        placed = placing.place(folder.parent, label, table, write=link, scratch=scratch, before=None)
        after = msgspec.structs.replace(receipt, folder=placed.folder, bytecode_sha256=placed.bytecode_sha256)
        durable.write(store.signature(after), signature.read_bytes(), mode=0o644)
        journal.commit(home, {folder.parent / CURRENT: msgspec.json.encode(after)})


def _readable(home: Home, store: Store) -> Iterator[Receipt]:
    for name in _names(home):
        try:
            yield store.get(name)
        except MobileOpsError:
            continue


def _pin(receipt: Receipt) -> Pin:
    return Pin.of(Signer.from_receipt(receipt.signer))
