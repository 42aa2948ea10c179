"""What a disk may hold after the power failed: everything that was flushed, and any part of what was not.

A `Recorder` listens to what a process does to a folder. A file has what it had at its last fsync(2), or any more of
what was written since; a name is as it was at the last fsync(2) of its folder, or as any of the changes since made it,
in whatever order they reached the disk. A rename is one change, flushed with either of its folders. That is less than
journalling file systems promise, and what POSIX does. A syncfs(2) flushes everything there is.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mobileops.bundle import flushing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

EXTREMES = 2
"""So many images of each step begin its list: of what is lost, everything and nothing."""
CALLS = ("chmod", "fchmod", "fsync", "link", "mkdir", "open", "rename", "replace", "rmdir", "unlink")


@dataclasses.dataclass(eq=False)
class Node:
    """A file or a folder.

    Attributes:
        mode, durable_mode: permission bits, now and when it was flushed last.
        entries, durable_entries: of a folder, by name.
        durable: what a file had when it was flushed last.
        unflushed: whether it was changed since.
        number: its own.
    """

    mode: int
    durable_mode: int
    is_folder: bool
    entries: dict[str, Node] = dataclasses.field(default_factory=dict)
    durable_entries: dict[str, Node] = dataclasses.field(default_factory=dict)
    durable: bytes = b""
    unflushed: bool = False
    number: int = dataclasses.field(default_factory=itertools.count().__next__)


Effect = tuple[Node, str, "Node | None"]
"""Folder, name, and what it is the name of from then on."""

Image = tuple[tuple[str, int, int, "bytes | None"], ...]
"""Path, number of the node, mode, content (None for a folder); a folder before what is in it."""


class Recorder:
    """Listens to this process for the length of a block.

    Args:
        root: the folder.
        deaf_to: what is not taken for flushed by fsync and syncfs: ``files``, ``folders`` or nothing.
    """

    def __init__(self, root: Path, *, deaf_to: str = "") -> None:
        self._prefix = f"{root}/"
        self._deaf_to = deaf_to
        self._root = _node_of(root)
        self._pending: list[list[Effect]] = []
        self._lock = threading.RLock()
        self._random = random.Random(str(deaf_to))  # noqa: S311  the same each time
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
        self._real_open = io.open
        self._real_sync = flushing._sync_file_system
        self.images: list[list[Image]] = []

    def __enter__(self) -> Self:
        for name in CALLS:
            setattr(os, name, self._heard(name, self._real[name]))
        io.open = self._open_file  # type: ignore[assignment]  # what pathlib calls
        flushing._sync_file_system = self._sync
        return self

    def __exit__(self, *_: object) -> None:
        for name, real in self._real.items():
            setattr(os, name, real)
        io.open = self._real_open
        flushing._sync_file_system = self._real_sync
        self._note()

    def _heard(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                before = self._find(args[0], kwargs) if name in {"rename", "replace", "link"} else None
                known = name == "open" and bool(args[1] & os.O_CREAT) and self._find(args[0], kwargs) is not None
                changes = name != "open" or (args[1] & os.O_CREAT and not known)
                if changes:
                    self._note()
                result = real(*args, **kwargs)
                if changes:
                    self._change("create" if name == "open" else name, args, kwargs, before)
                return result

        return call

    def _open_file(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            known = isinstance(file, int) or self._find(file, {}) is not None
            if not known:
                self._note()
            result = self._real_open(file, mode, *args, **kwargs)
            if set(mode) & set("wxa+") and not isinstance(file, int):
                if not known:
                    self._change("create", (file,), {}, None)
                elif (node := self._find(file, {})) is not None:
                    node.unflushed = True
            return result

    def _change(self, name: str, args: Any, kwargs: dict[str, Any], before: Node | None) -> None:
        if name in {"fsync", "fchmod", "chmod"}:
            node = self._find(args[0], kwargs)
            if node is not None:
                if name == "fsync":
                    self._flush(node, args[0])
                else:
                    node.mode = args[1]
            return
        folder, base = self._place(args[1 if name in {"rename", "replace", "link"} else 0], kwargs)
        if folder is None:
            return
        effects: list[Effect] = [(folder, base, before)]
        if name in {"mkdir", "create"}:
            mode = os.lstat(args[0], dir_fd=kwargs.get("dir_fd")).st_mode & 0o7777
            effects = [(folder, base, Node(mode, mode, name == "mkdir", unflushed=name == "create"))]
        elif name in {"rename", "replace"}:
            source, old = self._place(args[0], kwargs)
            effects += [(source, old, None)] if source is not None else []
        for place, key, node in effects:
            _name(place.entries, key, node)
        self._pending.append(effects)

    def _flush(self, node: Node, descriptor: int) -> None:
        if node.is_folder:
            if self._deaf_to != "folders":
                due = [effects for effects in self._pending if any(place is node for place, _, _ in effects)]
                self._pending = [effects for effects in self._pending if effects not in due]
                for place, key, named in (effect for effects in due for effect in effects):
                    _name(place.durable_entries, key, named)
                    for earlier in self._pending:  # what it was before cannot come back
                        earlier[:] = [one for one in earlier if (one[0], one[1]) != (place, key)]
        elif self._deaf_to != "files":
            with self._real_open(f"/proc/self/fd/{descriptor}", "rb") as stream:
                node.durable, node.unflushed = stream.read(), False
        node.durable_mode = node.mode

    def _sync(self, folder: int) -> None:
        with self._lock:
            self._note()
            self._real_sync(folder)
            if self._deaf_to != "folders":
                for place, key, node in (effect for effects in self._pending for effect in effects):
                    _name(place.durable_entries, key, node)
                self._pending.clear()
            self._flush_below(self._root, self._prefix)

    def _flush_below(self, folder: Node, path: str) -> None:
        for name, node in folder.entries.items():
            node.durable_mode = node.mode
            if node.is_folder:
                self._flush_below(node, f"{path}{name}/")
            elif self._deaf_to != "files":
                with self._real_open(f"{path}{name}", "rb") as stream:
                    node.durable, node.unflushed = stream.read(), False

    def _path(self, path: Any, kwargs: dict[str, Any]) -> str:
        if isinstance(path, int):
            return str(Path(f"/proc/self/fd/{path}").readlink())
        folder = kwargs.get("dir_fd") or kwargs.get("src_dir_fd")
        base = str(Path(f"/proc/self/fd/{folder}").readlink()) if folder is not None else ""
        return os.path.join(base, os.fspath(path))  # noqa: PTH118  strings are all there is

    def _place(self, path: Any, kwargs: dict[str, Any]) -> tuple[Node | None, str]:
        place, _, base = self._path(path, kwargs).rpartition("/")
        return self._walk(place), base

    def _find(self, path: Any, kwargs: dict[str, Any]) -> Node | None:
        return self._walk(self._path(path, kwargs))

    def _walk(self, path: str) -> Node | None:
        if not f"{path}/".startswith(self._prefix):
            return None
        node: Node | None = self._root
        for part in path[len(self._prefix) :].split("/"):
            if part and node is not None:
                node = node.entries.get(part)
        return node

    def _note(self) -> None:
        """Remember what the disk might hold if the power failed now."""
        written = dict(self._contents(self._root, self._prefix))
        count = len(self._pending)
        everything = range(count)
        choices: list[tuple[Sequence[int], str]] = [
            ((), "none"),
            (everything, "all"),
            ((), "all"),
            *((everything, how) for how in ("none", "half")),
            *(((one,), "none") for one in everything),
            *(([other for other in everything if other != one], "all") for one in everything),
            *(([one for one in everything if self._random.random() < 0.5], "half") for _ in range(4)),
        ]
        self.images.append([self._image(chosen, how, written) for chosen, how in choices])

    def _contents(self, node: Node, path: str) -> Iterator[tuple[int, bytes]]:
        for name, child in node.entries.items():
            if child.is_folder:
                yield from self._contents(child, f"{path}{name}/")
            elif child.unflushed:
                with self._real_open(f"{path}{name}", "rb") as stream:
                    yield child.number, stream.read()

    def _image(self, chosen: Sequence[int], how: str, written: dict[int, bytes]) -> Image:
        changed: dict[int, dict[str, Node]] = {}
        for place, key, node in (effect for number in chosen for effect in self._pending[number]):
            _name(changed.setdefault(place.number, dict(place.durable_entries)), key, node)
        found: list[tuple[str, int, int, bytes | None]] = []

        def visit(folder: Node, path: str) -> None:
            for name, node in sorted(changed.get(folder.number, folder.durable_entries).items()):
                mode = node.mode if how == "all" else node.durable_mode
                content = None if node.is_folder else node.durable
                if node.unflushed and how != "none":
                    data = written.get(node.number, node.durable)
                    content = data if how == "all" else data[: max(len(node.durable), len(data) // 2)]
                found.append((f"{path}{name}", node.number, mode, content))
                if node.is_folder:
                    visit(node, f"{path}{name}/")

        visit(self._root, "")
        return tuple(found)


def lay_out(image: Image, root: Path) -> None:
    """Make a folder that holds what the disk might have held."""
    root.mkdir(mode=0o700)
    first: dict[int, Path] = {}
    for name, number, mode, content in image:
        path = root / name
        if content is None:
            path.mkdir()
        elif number in first:
            path.hardlink_to(first[number])
            continue
        else:
            path.write_bytes(content)
            first[number] = path
        path.chmod(mode)


def _name(entries: dict[str, Node], key: str, node: Node | None) -> None:
    if node is None:
        entries.pop(key, None)
    else:
        entries[key] = node


def _node_of(path: Path) -> Node:
    """Return a file or folder that is on disk as it is."""
    mode = path.lstat().st_mode & 0o7777
    if not path.is_dir():
        return Node(mode, mode, is_folder=False, durable=path.read_bytes())
    entries = {child.name: _node_of(child) for child in path.iterdir()}
    return Node(mode, mode, is_folder=True, entries=entries, durable_entries=dict(entries))
