"""What packing refuses and its author allows all the same: named file by file, and recorded in the bundle.

Bytecode and files with secrets stop packing. An override names one such file; it is then packed, and
``.mobileops/overrides.json`` says so to everybody who inspects the bundle::

    {"members": {"<name>": {"code": "MOP2407" | "MOP2408", "found": "<what it is>"}}}

Law: what is allowed without being refused is an error, so no override outlives its reason.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from mobileops.manifest import canonical
from mobileops.toolchain import secrets
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.planned import open_planned, read_exactly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mobileops.toolchain.pack.planned import Planned

BYTECODE_SUFFIXES: Final = (".pyc", ".pyo")


def apply(files: Sequence[Planned], allow: Collection[str]) -> tuple[tuple[Planned, ...], bytes | None]:
    """Return the files with the allowed ones marked, and the record of what they are.

    Args:
        files: that go into the bundle.
        allow: names of members that are packed although they hold a secret or are bytecode.

    Returns:
        The files in their order, and the content of the record; None when nothing is allowed.

    Raises:
        PackagingError: a name is no file of the bundle, or nothing is wrong with it (MOP2450).
    """
    if not allow:
        return tuple(files), None
    found = {file.name: (code, what) for file in files if file.name in allow for code, what in _faults(file)}
    unused = sorted(set(allow) - found.keys())
    if unused:
        fix = "leave it out; the names are those of 'mobileops package --list'"
        fail(PackCode.OVERRIDE_UNUSED, f"{unused[0]!r} is allowed, but nothing refuses it", where=unused[0], fix=fix)
    record = {"members": {name: {"code": code.value, "found": what} for name, (code, what) in found.items()}}
    return tuple(file._replace(allowed=file.name in allow) for file in files), canonical(record)


def _faults(file: Planned) -> Iterator[tuple[PackCode, str]]:
    if file.name.endswith(BYTECODE_SUFFIXES):
        yield PackCode.BYTECODE, "compiled Python"
        return
    if file.size > secrets.MAX_SCANNED_BYTES:
        return
    descriptor = open_planned(file)
    try:
        secret = secrets.find_secret(read_exactly(descriptor, file, offset=0, length=file.size))
    finally:
        os.close(descriptor)
    if secret is not None:
        yield PackCode.SECRET, str(secret)
