"""What a Python file does that needs a permission, as far as a look at its syntax can tell.

Names are followed through imports (``import socket as s``, ``from os import environ``) and through constants of the
module (``URL = "https://…"``), not through variables, arguments or classes. Only statements on whose lines one of the
interesting names stands are looked into, so that a large file that does nothing of the kind costs next to nothing.
"""

from __future__ import annotations

import ast
import functools
import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.checks import calls, destinations, scan
from mobileops.toolchain.checks.spot import spot_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.toolchain.checks.calls import Kind
    from mobileops.toolchain.checks.spot import Spot

MAX_DOTS: Final = 8  # of a name that is followed
MAX_USES: Final = 1000  # of one file
MAX_NAMES: Final = 1000  # of one file that are looked for
OUTGOING: Final = ("network.http", "network", "network.tcp", "network.udp")
RAW: Final = ("network", "network.tcp", "network.http", "network.udp")
PLATFORM: Final = ("api.platform", *(f"api.platform.{part}" for part in sorted(calls.PLATFORM_PARTS)))
AI: Final = ("api.platform.ai", "api.platform")
READ: Final = ("filesystem.read",)
WRITE: Final = ("filesystem.write",)
LISTEN: Final = ("network.listen",)
ENVIRONMENT: Final = ("system.environment",)

_METHODS: Final = (*calls.PATH_METHODS, *calls.MESSAGE_METHODS, calls.PLATFORM_METHOD, calls.MODEL_METHOD)


class Use(NamedTuple):
    """One place that needs a permission.

    Attributes:
        what: the call or name, as a person would write it.
        spot: where.
        names: of permissions any of which may be what is needed; the first is the usual one.
        exact: the permission that is needed, when the place says it; it may turn out to be none.
        sure: False when the place may need no permission at all: the file may be the plugin's own.
    """

    what: str
    spot: Spot
    names: tuple[str, ...]
    exact: str | None = None
    sure: bool = True


class Uses(NamedTuple):
    """What one file does.

    Attributes:
        found: the places, in no special order.
        modules: (name, place) of modules that it imports by a call.
    """

    found: tuple[Use, ...] = ()
    modules: tuple[tuple[str, Spot], ...] = ()


def uses(tree: ast.Module, text: str, statements: Iterable[ast.Import | ast.ImportFrom]) -> Uses:
    """Return what a file does.

    Args:
        tree: of the file.
        text: the same file; says where to look.
        statements: its imports.
    """
    origins = {name: name for name in calls.BUILTINS} | scan.origins(statements)
    names = (name for name in (*origins, *_METHODS) if name in text)
    lines = scan.lines_with(text, itertools.islice(names, MAX_NAMES))
    reader = _Reader(origins, tree)
    for expression in scan.expressions(tree, lines):
        reader.read(expression)
    if reader.platform_called:
        holders = scan.names_of_platform(tree)
        for expression in scan.expressions(tree, scan.lines_with(text, calls.PLATFORM_PARTS)):
            reader.read_platform(expression, holders)
        reader.settle_platform()
    return Uses(tuple(reader.found[:MAX_USES]), tuple(reader.modules[:MAX_USES]))


class _Reader:
    """Looks into expressions and notes what they use."""

    def __init__(self, origins: dict[str, str], tree: ast.Module) -> None:
        self.found: list[Use] = []
        self.modules: list[tuple[str, Spot]] = []
        self.platform_called = False
        self._origins = origins
        self._tree = tree
        self._seen: set[int] = set()

    @functools.cached_property
    def _constants(self) -> dict[str, str]:
        return scan.constants(self._tree)

    def read(self, expression: ast.expr) -> None:
        """Note what an expression uses, from the outside to the inside."""
        pending: list[ast.AST] = [expression]
        while pending and len(self.found) < MAX_USES:
            node = pending.pop()
            if isinstance(node, ast.Constant | ast.expr_context):
                continue
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Attribute | ast.Name):
                self._name(node)
            elif isinstance(node, ast.Subscript):
                self._item(node)
            for field in node._fields:  # ast.walk, without its cost for every expression
                value = getattr(node, field)
                if isinstance(value, ast.AST):
                    pending.append(value)
                elif isinstance(value, list):
                    pending += (item for item in value if isinstance(item, ast.AST))

    def _item(self, node: ast.Subscript) -> None:
        """Note a variable of the environment."""
        if self._dotted(node.value) == calls.ENVIRONMENT:
            self._seen.add(id(node.value))
            if isinstance(node.ctx, ast.Load):
                self._variable(node.slice, spot_of(node))

    def _name(self, node: ast.Attribute | ast.Name) -> None:
        """Note the environment as a whole, where it is not a part of something that was noted already."""
        if self._dotted(node) == calls.ENVIRONMENT and id(node) not in self._seen and isinstance(node.ctx, ast.Load):
            self._note(calls.ENVIRONMENT, spot_of(node), ENVIRONMENT)

    def settle_platform(self) -> None:
        """Forget calls of ``get_platform_api`` as such when it was seen which parts of the API they are for."""
        if any(use.exact and use.names == PLATFORM for use in self.found):
            self.found = [use for use in self.found if use.exact or use.names != PLATFORM]

    def read_platform(self, expression: ast.AST, holders: set[str]) -> None:
        """Note the parts of the platform API that an expression uses; `holders` are the names that it goes by."""
        for node in ast.walk(expression):
            if not isinstance(node, ast.Attribute) or node.attr not in calls.PLATFORM_PARTS:
                continue
            if scan.is_platform_call(node.value) or scan.last_name(node.value) in holders:
                what = f"{calls.PLATFORM_METHOD}().{node.attr}"
                self._note(what, spot_of(node), PLATFORM, exact=f"api.platform.{node.attr}")

    def _call(self, node: ast.Call) -> None:
        name = self._dotted(node.func)
        if name in calls.CALLS:
            kind, index = calls.CALLS[name]
            self._use(node, name, kind=kind, argument=_argument(node, index))
        elif name == calls.SOCKET:
            family = self._dotted(_argument(node, 0) or node.func)
            if family not in calls.LOCAL_SOCKETS:
                self._note(name, spot_of(node), (*RAW, *LISTEN))
        elif name in calls.ENVIRONMENT_GETTERS | calls.ENVIRONMENT_SETTERS:
            if isinstance(node.func, ast.Attribute):
                self._seen.add(id(node.func.value))
            if name in calls.ENVIRONMENT_GETTERS:
                self._variable(_argument(node, 0), spot_of(node))
        elif name in calls.IMPORTERS:
            module = self._text(_argument(node, 0))
            if module:
                self.modules.append((module, spot_of(node)))
        elif isinstance(node.func, ast.Attribute):
            self._method(node, node.func)

    def _method(self, node: ast.Call, method: ast.Attribute) -> None:
        """Note a call of something whose type is not known: what it is called, and on what, must do."""
        if method.attr == calls.PLATFORM_METHOD:
            self.platform_called = True
            self._note(f"{method.attr}()", spot_of(node), PLATFORM, sure=False)
        elif method.attr == calls.MODEL_METHOD and _is_self(method.value):
            self._note(f"self.{method.attr}", spot_of(node), AI, sure=False)
        elif method.attr in calls.MESSAGE_METHODS:
            permission = calls.MESSAGE_METHODS[method.attr]
            # smtplib and many other libraries have methods of these names: only the plugin's own are certain.
            own = _is_self(method.value)
            partner = self._text(_argument(node, 0))
            exact = f"{permission}:{partner}" if partner else None
            self._note(f"self.{method.attr}", spot_of(node), (permission,), exact=exact, sure=own)
        elif method.attr in calls.PATH_METHODS:
            path: ast.expr | None = None
            if isinstance(method.value, ast.Call) and self._dotted(method.value.func) in calls.PATHS:
                path = _argument(method.value, 0) if len(method.value.args) == 1 else None
            self._use(node, f"Path.{method.attr}", kind=calls.PATH_METHODS[method.attr], argument=path)

    def _use(self, node: ast.Call, name: str, *, kind: Kind, argument: ast.expr | None) -> None:
        spot = spot_of(node)
        if kind == "process":
            self._note(name, spot, ("system.process",))
        elif kind in {"read", "write", "file"}:
            self._file(node, name, kind=kind, argument=argument)
        elif kind == "listen":
            port = _port(argument.elts[1]) if isinstance(argument, ast.Tuple) and len(argument.elts) > 1 else None
            self._note(name, spot, LISTEN, exact=f"network.listen:{port}" if port else None)
        else:
            names = RAW if name.partition(".")[0] in calls.NOT_HTTP else OUTGOING
            self._note(name, spot, names, exact=self._destination(node, name, kind=kind, argument=argument))

    def _destination(self, node: ast.Call, name: str, *, kind: Kind, argument: ast.expr | None) -> str | None:
        """Return the permission for the host and port that a call names, None when it does not."""
        if kind == "url":
            return destinations.for_url(*self._prefix(argument))
        if kind == "host":
            host = self._text(argument)
            default = destinations.DEFAULT_PORTS["https" if "HTTPS" in name else "http"]
            given = _argument(node, 1) or _keyword(node, "port")
            port = default if given is None else _port(given)
            return destinations.for_address(host, port)
        if kind == "address" and isinstance(argument, ast.Tuple) and len(argument.elts) > 1:
            return destinations.for_address(self._text(argument.elts[0]), _port(argument.elts[1]))
        return None

    def _file(self, node: ast.Call, name: str, *, kind: Kind, argument: ast.expr | None) -> None:
        path = self._text(argument)
        mode = self._mode(node, 0 if name.startswith("Path.") else 1) if kind == "file" else kind[:1]
        for names, wanted, free in (
            (READ, "r" in mode or "+" in mode, calls.ALWAYS_READABLE),
            (WRITE, any(letter in mode for letter in "wax+"), calls.ALWAYS_WRITABLE),
        ):
            if not wanted:
                continue
            absolute = path is not None and path.startswith("/") and "\0" not in path
            sure = absolute and not any(path == root or str(path).startswith(f"{root}/") for root in free)
            self._note(name, spot_of(node), names, exact=f"{names[0]}:{path}" if absolute else None, sure=sure)

    def _mode(self, node: ast.Call, index: int) -> str:
        given = _argument(node, index) or _keyword(node, "mode")
        return "r" if given is None else self._text(given) or "r"

    def _variable(self, node: ast.expr | None, spot: Spot) -> None:
        name = self._text(node)
        if name is None:
            self._note("os.environ", spot, ENVIRONMENT)
        else:
            exact, sure = f"{ENVIRONMENT[0]}:{name}", name not in calls.ALWAYS_SET
            self._note(f"os.environ[{name[:40]!r}]", spot, ENVIRONMENT, exact=exact, sure=sure)

    def _note(
        self, what: str, spot: Spot, names: tuple[str, ...], *, exact: str | None = None, sure: bool = True
    ) -> None:
        self.found.append(Use(what, spot, names, exact, sure))

    def _dotted(self, node: ast.expr) -> str:
        """Return the dotted name where an expression like ``s.socket`` comes from, or an empty string."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and len(parts) < MAX_DOTS:
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._origins:
            return ""
        return ".".join([self._origins[node.id], *reversed(parts)])

    def _text(self, node: ast.expr | None) -> str | None:
        text, complete = self._prefix(node)
        return text if complete else None

    def _prefix(self, node: ast.expr | None) -> tuple[str | None, bool]:
        """Return the text that an expression begins with, and whether that is all of it."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value, True
        if isinstance(node, ast.Name) and node.id in self._constants:
            return self._constants[node.id], True
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            return str(node.values[0].value), False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and not isinstance(node.left, ast.BinOp):
            return self._prefix(node.left)[0], False
        return None, False


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _argument(node: ast.Call, index: int) -> ast.expr | None:
    """Return a positional argument, None when it is not there or hidden behind ``*``."""
    if len(node.args) <= index or any(isinstance(argument, ast.Starred) for argument in node.args[: index + 1]):
        return None
    return node.args[index]


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in node.keywords if word.arg == name), None)


def _port(node: ast.expr | None) -> int | None:
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None
