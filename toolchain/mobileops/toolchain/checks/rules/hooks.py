"""Each hook is a readable file of valid Python inside the plugin's folder."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.python_file import Unparsable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1326"
MAX_HOOKS: Final = 16  # more than the schema knows; a hostile manifest may list a million


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding for each hook whose file cannot be read or parsed."""
    for hook, name in itertools.islice(source.mapping_of("hooks").items(), MAX_HOOKS):
        if not isinstance(name, str):
            continue  # the schema says so
        tree = source.python(name)
        if isinstance(tree, Unreadable):
            yield Finding(
                code=CODE,
                what=f"hook {name!r} {tree.reason}",
                where=f"{source.manifest_name}#/hooks/{hook}",
                why=f"the platform runs this file at {hook}; only files of the folder go into the bundle",
                fix="add the file, or take the hook out of the manifest",
            )
        elif isinstance(tree, Unparsable):
            yield Finding(
                code=CODE,
                what=f"hook {hook} is not valid Python: {tree.reason}",
                where=tree.where(name),
                fix="correct this line" if tree.line else "make the expressions simpler",
            )
