"""No file of the source folder is one that holds secrets by its name, such as .env or id_rsa."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.leftovers import private_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1336"
MAX_FINDINGS: Final = 50


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for each such file. It is no error, because packaging leaves these files out."""
    named = ((name, private_file(name)) for name in source.tree.files)
    for name, kind in itertools.islice(((name, kind) for name, kind in named if kind), MAX_FINDINGS):
        yield Finding(
            code=CODE,
            what=f"{name} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}",
            where=name,
            why="packaging leaves it out, but it is one careless commit away from being published",
            fix="move it out of the folder; settings belong into 'configuration', where an operator gives their values",
            severity="warning",
        )
