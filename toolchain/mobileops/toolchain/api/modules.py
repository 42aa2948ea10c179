"""Follow names through the files of a plugin: which class, alias or import does a dotted name mean?

Nothing is imported or executed: files are parsed with `ast`, and only when a name leads into them. A name leads to a
definition in the plugin's own files, or out of them; then its full name (``typing.Optional``) is all that is known.
"""

from __future__ import annotations

import ast
import builtins
import functools
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FILE_BYTES: Final = 4 << 20
MAX_FILES: Final = 200
MAX_STEPS: Final = 32
"""How many imports and aliases are followed for one name."""
_ROOTS: Final = ("", "lib/")
"""Where a plugin's modules are found at run time (`mobileops.plugin.loading`); ``vendor/`` is other people's."""


class Import(NamedTuple):
    """A name that a file imports: ``from module import attribute``, or ``import module`` when `attribute` is empty."""

    module: str
    attribute: str
    level: int


class Module:
    """One parsed file; it is equal to itself alone.

    Attributes:
        name: of the file, relative to the plugin's folder.
        names: what its top level binds: a class, the expression assigned, or an import.
    """

    __slots__ = ("name", "names")

    def __init__(self, name: str, names: dict[str, ast.ClassDef | ast.expr | Import]) -> None:
        self.name = name
        self.names = names


class Defined(NamedTuple):
    """A name that leads to a class or an assigned expression in `module`."""

    module: Module
    node: ast.ClassDef | ast.expr
    name: str


class Sources:
    """The Python files of one plugin.

    Args:
        read: returns the content of the file with a name relative to the plugin's folder, or None.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return the file `name` parsed; None when it is not there, not Python, too large, or one too many."""
        if name not in self._modules:
            self._modules[name] = self._parsed(name) if len(self._modules) < MAX_FILES else None
        return self._modules[name]

    def resolve(self, module: Module, dotted: str) -> Defined | str:
        """Return what `dotted` means in `module`: a definition of the plugin, or a full name outside of it."""
        for _ in range(MAX_STEPS):
            first, _, rest = dotted.partition(".")
            bound = module.names.get(first)
            if bound is None:
                return f"builtins.{dotted}" if hasattr(builtins, first) else dotted
            if not isinstance(bound, Import):
                return Defined(module, bound, first) if not rest else dotted
            target, remaining = self._imported(module, bound, rest)
            if target is None:
                return remaining
            module, dotted = target, remaining
        return dotted

    def _imported(self, importer: Module, bound: Import, rest: str) -> tuple[Module | None, str]:
        """Return the plugin's file that an import leads to and the name to look up there, or (None, full name)."""
        words = [
            *filter(None, bound.module.split(".")),
            *filter(None, [bound.attribute]),
            *filter(None, rest.split(".")),
        ]
        # The longest module that exists is the one meant: "import a.b" then "a.b.C".
        for length in range(len(words) - 1, 0, -1):
            for name in _files_of(importer.name, words[:length], bound.level):
                module = self.module(name)
                if module is not None:
                    return module, ".".join(words[length:])
        return None, "." * bound.level + ".".join(words)

    def _parsed(self, name: str) -> Module | None:
        data = self._read(name)
        if data is None or len(data) > MAX_FILE_BYTES:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the author's "\d" is the author's business
                tree = ast.parse(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return Module(name, dict(_bindings(tree)))


def dotted(node: ast.expr | None) -> str:
    """Return ``a.b.c`` for such an expression, else an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | ast.expr | Import]]:
    for node in _statements(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value
        elif isinstance(node, ast.Import):
            for alias in node.names:
                # "import a.b" binds a; "import a.b as c" binds c to a.b.
                module = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or module, Import(module, "", 0)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, Import(node.module or "", alias.name, node.level)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run with the module, also those under ``if``, ``try`` and ``with``, in order."""
    pending: list[ast.stmt] = tree.body[::-1]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", ())]
            inner += [statement for handler in getattr(node, "handlers", ()) for statement in handler.body]
            pending += reversed(inner)


def _files_of(importer: str, words: list[str], level: int) -> Iterator[str]:
    roots = _ROOTS if not level else (_relative_root(importer, level),)
    for root in roots:
        path = f"{root}{'/'.join(words)}"
        yield f"{path}.py"
        yield f"{path}/__init__.py"


@functools.lru_cache(maxsize=64)
def _relative_root(importer: str, level: int) -> str:
    folder = PurePosixPath(importer).parent
    for _ in range(level - 1):
        folder = folder.parent
    return "" if folder == PurePosixPath() else f"{folder}/"
