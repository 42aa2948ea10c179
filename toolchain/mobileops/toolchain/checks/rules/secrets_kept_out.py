"""No file that goes into the bundle holds a private key or an access token."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain import leftovers, secrets
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.source import IGNORE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1335"
MAX_FINDINGS: Final = 50
MAX_BYTES: Final = 64 << 20  # of all files together


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding for each file with a secret, unless ``.pluginignore`` leaves the file out."""
    yield from itertools.islice(_findings(source), MAX_FINDINGS)


def _findings(source: Source) -> Iterator[Finding]:
    left, plugin = MAX_BYTES, source.text_of("name") or ""
    for name in source.tree.files:
        if leftovers.file_reason(name, plugin=plugin):
            continue  # it is not packed; another rule speaks about those that are private by their name
        content = files.read_bytes(source.folder, name)
        if isinstance(content, Unreadable):
            continue  # too large to search, or gone
        left -= len(content)
        if left < 0:
            return
        secret = secrets.find_secret(content)
        if secret is not None and not source.leaves_out(name):
            yield Finding(
                code=CODE,
                what=f"{name} contains {secret.kind}",
                where=f"{name}:{secret.line}:{secret.column}",
                why="whoever has the bundle can read it, and packaging refuses it",
                fix=f"remove it and revoke it, or list the file in {IGNORE_FILE}",
            )
