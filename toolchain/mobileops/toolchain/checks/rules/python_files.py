"""Every Python file of the plugin can be read and parsed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import tree
from mobileops.toolchain.checks.code import MAX_PYTHON_BYTES
from mobileops.toolchain.checks.python_file import Unparsable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1330"
MAX_FINDINGS: Final = 50


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for each file that the rules about code cannot look into.

    It is a warning because the file may be data, or written for another Python; the entry point and the hooks have
    rules of their own, whose findings are errors.
    """
    named = set(source.named_files)
    faults = ((name, fault) for name, fault in source.code.faults.items() if name not in named)
    for name, fault in itertools.islice(faults, MAX_FINDINGS):
        if isinstance(fault, Unparsable):
            yield _finding(f"{name} is not valid Python: {fault.reason}", fault.where(name), "correct it or remove it")
        else:
            yield _finding(f"{name} {fault.reason}", name, "make it a text file of ordinary size, or remove it")
    if source.code.skipped:
        what = f"{len(source.code.skipped)} Python files were not looked into"
        fix = f"keep the plugin's own code below {MAX_PYTHON_BYTES >> 20} MiB"
        yield _finding(what, source.code.skipped[0], fix)
    if not source.tree.complete:
        what = f"the folder has more than {tree.MAX_ENTRIES} entries, or folders deeper than {tree.MAX_DEPTH}"
        yield _finding(f"{what}: not all were looked into", source.manifest_name, "remove what is not the plugin's")


def _finding(what: str, where: str, fix: str) -> Finding:
    why = "what the code imports and needs permissions for is read from its text"
    return Finding(code=CODE, what=what, where=where, why=why, fix=fix, severity="warning")
