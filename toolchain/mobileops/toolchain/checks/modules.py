"""Where the modules come from that a plugin imports: the standard library, the SDK, its own files, its dependencies."""

from __future__ import annotations

import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.checks import files, sdk
from mobileops.toolchain.checks.distributions import name_of
from mobileops.toolchain.checks.imports import Import

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mobileops.toolchain.checks.code import Facts
    from mobileops.toolchain.checks.source import Source

MAX_DEPENDENCIES: Final = 200  # looked at; the schema allows fewer
MAX_MODULES: Final = 1000  # from elsewhere that are looked at
MAX_PLACES: Final = 50  # of one module that are compared with the dependencies
ROOTS: Final = ("", "lib/")  # of mobileops.plugin.loading.search_path; vendor is looked at on its own
_SUFFIXES: Final = (".py", ".so")


class Resolution(NamedTuple):
    """Imports and dependencies, matched.

    Attributes:
        places: first part of a module's name -> (file, import), for the modules that are neither the plugin's own nor
            the SDK's nor of the standard library.
        brought: first part of a module's name -> normal names of the declared dependencies that bring it.
        unknown: normal names of declared dependencies of which nothing is known and that match no import.
    """

    places: dict[str, list[tuple[str, Import]]]
    brought: dict[str, frozenset[str]]
    unknown: frozenset[str]


def resolve(source: Source) -> Resolution:
    """Match what the code imports with what the manifest declares."""
    places, distributions = _foreign(source), source.distributions
    declared = frozenset(name for _, name in declared_names(source))
    brought = {
        top: frozenset(name for name in declared if any(distributions.brings(name, one) for one in _dotted(found)))
        for top, found in places.items()
    }
    used = frozenset[str]().union(*brought.values())
    unknown = frozenset(name for name in declared - used if distributions.modules(name) is None)
    return Resolution(places, brought, unknown)


def declared_names(source: Source) -> list[tuple[int, str]]:
    """Return (position, normal name) of the manifest's dependencies; the schema speaks about those that are none."""
    texts = enumerate(source.list_of("dependencies")[:MAX_DEPENDENCIES])
    found = ((position, name_of(text)) for position, text in texts if isinstance(text, str))
    return [(position, name) for position, name in found if name]


def _dotted(places: list[tuple[str, Import]]) -> set[str]:
    """Return the full names that imports may mean: of ``from a import b``, ``a.b``."""
    some = [imported for _, imported in places[:MAX_PLACES]]
    return {f"{one.module}.{name}" for one in some for name in one.names[:MAX_PLACES]} | {one.module for one in some}


def _foreign(source: Source) -> dict[str, list[tuple[str, Import]]]:
    """Return first part of the module's name -> (file, import) for the modules that are from elsewhere.

    Those of the plugin itself, of the SDK and of the standard library are left out.
    """
    own = source.once(_own_modules)
    found: dict[str, list[tuple[str, Import]]] = {}
    for name, facts in source.code.facts.items():
        for imported in (*facts.imports, *_by_call(facts)):
            top = imported.top
            if imported.level or top in own or top == sdk.PACKAGE or top in sys.stdlib_module_names:
                continue
            if top in found or len(found) < MAX_MODULES:
                found.setdefault(top, []).append((name, imported))
    return {top: places for top, places in found.items() if not _is_vendored(source, top)}


def needed_at_start(source: Source) -> frozenset[str]:
    """Return the files that are imported whenever the plugin starts, or when one of its hooks does."""
    facts, own = source.code.facts, source.once(_own_modules)
    pending = [name for name in source.named_files if name in facts]
    reached: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            for imported in facts[name].imports:
                if imported.when == "start" and (imported.level or imported.top in own):
                    pending += [target for target in _files_of(name, imported) if target in facts]
    return frozenset(reached)


def _by_call(facts: Facts) -> Iterator[Import]:
    """Yield what a file imports with ``importlib.import_module("name")``; its failure is the code's business."""
    for module, spot in facts.uses.modules:
        yield Import(module, (), level=0, spot=spot, when="maybe")


def _own_modules(source: Source) -> frozenset[str]:
    """Return the names under which the plugin's files can be imported."""
    found: set[str] = set()
    anywhere = any(facts.changes_path for facts in source.code.facts.values())
    for name in source.tree.files:
        if not name.endswith(_SUFFIXES):
            continue
        parts = name.split("/")
        found |= {_stem(part) for part in parts} if anywhere else {_stem(parts[0])}
        if parts[0] == "lib" and len(parts) > 1:
            found.add(_stem(parts[1]))
    return frozenset(found)


def _stem(part: str) -> str:
    """Return ``a`` for ``a``, ``a.py`` and ``a.cpython-311-x86_64-linux-gnu.so``."""
    return part.partition(".")[0]


def _is_vendored(source: Source, top: str) -> bool:
    return any(files.exists(source.folder, f"vendor/{top}{suffix}") for suffix in ("", ".py"))


def _files_of(importer: str, imported: Import) -> Iterator[str]:
    """Yield the files that an import may run, whether they exist or not."""
    if imported.level:
        folder = PurePosixPath(importer).parent
        for _ in range(imported.level - 1):
            folder = folder.parent
        roots: Iterable[str] = ("" if folder == PurePosixPath() else f"{folder}/",)
    else:
        roots = ROOTS
    parts = imported.module.split(".") if imported.module else []
    chains = [parts[: end + 1] for end in range(len(parts))] + [[*parts, name] for name in imported.names]
    for root in roots:
        for chain in chains:
            path = f"{root}{'/'.join(chain)}"
            yield f"{path}.py"
            yield f"{path}/__init__.py"
