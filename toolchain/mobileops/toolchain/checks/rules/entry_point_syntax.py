"""The entry point is valid Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks.python_file import Unparsable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1323"


def check(source: Source) -> Iterator[Finding]:
    """Yield one finding if the entry point does not parse."""
    name = source.text_of("entry_point")
    if name is None:
        return
    tree = source.python(name)
    if isinstance(tree, Unparsable):
        yield Finding(
            code=CODE,
            what=f"the entry point is not valid Python: {tree.reason}",
            where=tree.where(name),
            fix="correct this line" if tree.line else "make the expressions simpler",
        )
