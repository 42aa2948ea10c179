"""The plugin's own Python code as the rules see it: each file read and parsed once, and only what they ask for kept."""

from __future__ import annotations

import contextlib
import gc
import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.checks import files, python_file, tree
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.imports import import_statements, imports
from mobileops.toolchain.checks.python_file import Unparsable
from mobileops.toolchain.checks.uses import Uses, uses

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from mobileops.toolchain.checks.imports import Import

MAX_PYTHON_BYTES: Final = 16 << 20  # of all files together: the parser takes about a second for each MiB

MAX_IMPORTS: Final = 1000  # of one file; where there are more, they are generated


class Facts(NamedTuple):
    """What the rules ask of one file.

    Attributes:
        imports: in order.
        uses: what needs a permission.
        changes_path: whether it mentions ``sys.path``, so that modules may be found in any folder.
    """

    imports: tuple[Import, ...]
    uses: Uses
    changes_path: bool


class Code(NamedTuple):
    """The Python files of a plugin without its tests.

    Attributes:
        facts: file name -> what was found in it, sorted by name.
        faults: file name -> why there are no facts.
        skipped: files that were not looked at, because there is too much code.
    """

    facts: Mapping[str, Facts]
    faults: Mapping[str, Unreadable | Unparsable]
    skipped: tuple[str, ...] = ()


def read(
    folder: Path,
    listing: Collection[str],
    *,
    named: Iterable[str],
    parsed: Mapping[str, ast.Module | Unreadable | Unparsable],
) -> Code:
    """Return the facts of all files.

    Args:
        folder: the plugin's folder.
        listing: the files of it that go into the bundle, by name.
        named: files that the manifest names; they come first, and count even where tests are.
        parsed: file name -> syntax tree, for files that a rule has already asked for; only they outlive this call.
    """
    with _uncollected():
        return _read(folder, listing, named, parsed)


def _read(
    folder: Path,
    listing: Collection[str],
    named: Iterable[str],
    parsed: Mapping[str, ast.Module | Unreadable | Unparsable],
) -> Code:
    facts: dict[str, Facts] = {}
    faults: dict[str, Unreadable | Unparsable] = {}
    first = sorted(set(named) & set(listing))
    others = [name for name in listing if tree.is_module(name) and name not in first and not tree.is_test(name)]
    left = MAX_PYTHON_BYTES
    for position, name in enumerate(names := [*first, *others]):
        text = files.read_text(folder, name)
        if isinstance(text, Unreadable):
            faults[name] = text
            continue
        left -= len(text)
        if left < 0:
            return Code(facts, faults, skipped=tuple(names[position:]))
        found = parsed.get(name) or python_file.parse(text)
        if isinstance(found, Unreadable | Unparsable):
            faults[name] = found
        else:
            facts[name] = _facts(found, text)
        del found  # before the next is made
    return Code(dict(sorted(facts.items())), faults)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking through syntax trees: they have no cycles, and go with the last name."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _facts(parsed: ast.Module, text: str) -> Facts:
    statements = import_statements(parsed, text)
    used = uses(parsed, text, [statement for statement, _ in statements])
    return Facts(tuple(itertools.islice(imports(statements), MAX_IMPORTS)), used, changes_path="sys.path" in text)
