"""Run a plugin's tests inside its sandbox and tell what they do: the only code that records.

It is copied into the scratch folder that `recording` makes, beside the plugin's own files, and is the entry of that one
process. The runtime does not have it: no plugin that the plugin manager starts can be recorded this way, and what is
recorded is confined like any other plugin. Only the standard library is imported.

Each thing is told once, as a JSON line on the channel: ``[kind, detail…, place]``, where the place is ``[file, line]``
of the plugin's innermost own statement, or null when there is none. The last line is ``["end", status, report]``.

======== ================================ ====================================================================
kind     detail                           from
======== ================================ ====================================================================
file     path, "r"|"w"|"rw", exists       audit events of open(2) and its relatives (sys.addaudithook, PEP 578)
connect  "tcp"|"udp", host or address,    audit events of sockets; the name that the address was looked up by
         port
lookup   name, port or null               likewise
listen   port                             likewise
process  program                          audit events of subprocess, os.exec, os.posix_spawn, os.system
variable name or null for all of them     a class put over os.environ
call     method, first argument or null   the SDK's methods for messages, events and the platform
======== ================================ ====================================================================
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

APP = "/app"
WORK = "/tmp/work"  # noqa: S108 (inside the sandbox: its own)
REPORT = "/tmp/report.json"  # noqa: S108 (likewise)
RUNNER = "mobileops_recorded_tests"
FOREIGN = ("vendor", "mobileops_recorded_site")
TESTS = "tests"
MAX_RECORDS = 20_000
MAX_TEXT = 1000
SDK_METHODS = ("send_message", "subscribe", "publish", "get_platform_api")
_OWN_FILES = ("mobileops_recorder.py", f"{RUNNER}.py")
_ENVIRONMENT_FILES = (__file__, os.__file__, "<frozen os>", "<frozen _collections_abc>")
_READS = ("os.listdir", "os.scandir")
_CHANGES = ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink")
_WRITES = ("os.truncate", "os.chmod", "os.chown", "os.utime")
_STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")

Place = tuple[str, int] | None


class Recorder:
    """Tells what happens, each thing once."""

    def __init__(self, tell: Callable[[bytes], object]) -> None:
        self._tell = tell
        self._seen: set[tuple[object, ...]] = set()
        self._busy = threading.local()
        self.names: dict[str, str] = {}

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event; what goes wrong here must not reach the plugin."""
        if event.partition(".")[0] not in {"open", "os", "socket", "subprocess", "pty", "sqlite3"}:
            return
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            for record in _records(event, arguments, self.names):
                self.note(*record)
        except Exception:  # noqa: BLE001 (an odd argument: the operation itself will complain)
            return
        finally:
            self._busy.now = False

    def note(self, *record: object, direct: bool = False) -> None:
        """Tell one thing.

        Args:
            *record: kind and detail.
            direct: only if the plugin or a dependency did it itself, and not the standard library for it.
        """
        place, counts = _place(sys._getframe(1), direct=direct)  # noqa: SLF001 (what the function is for)
        key = (*record, place)
        if counts and key not in self._seen and len(self._seen) < MAX_RECORDS:
            self._seen.add(key)
            self._tell(json.dumps([*record, place]).encode() + b"\n")


def _place(frame: FrameType | None, *, direct: bool) -> tuple[Place, bool]:
    """Return the innermost statement of the plugin's own, and whether the plugin is behind it at all.

    What a test does itself, and what the interpreter does on its own, is not the plugin's.
    """
    foreign: Place = None
    while frame is not None:
        path = frame.f_code.co_filename
        name = path[len(APP) + 1 :] if path.startswith(f"{APP}/") else ""
        top = name.partition("/")[0]
        if top == TESTS or (direct and not name and path not in _ENVIRONMENT_FILES):
            break
        if top in FOREIGN:
            foreign = foreign or (name, frame.f_lineno)
        elif name and name not in _OWN_FILES:
            return (name, frame.f_lineno), True
        frame = frame.f_back
    return foreign, foreign is not None


def _records(event: str, arguments: tuple[Any, ...], names: dict[str, str]) -> Iterator[tuple[object, ...]]:
    if event == "open":
        yield from _opened(*arguments)
    elif event in _READS:
        yield from _file(arguments[0] if arguments[0] is not None else ".", "r")
    elif event in _CHANGES or event in _WRITES:
        last = 2 if event in {"os.rename", "os.link"} else 1
        for path in arguments[1:2] if event == "os.symlink" else arguments[:last]:
            yield from _file(path, "w", parent=event in _CHANGES)
    elif event == "sqlite3.connect":
        if arguments[0] not in {":memory:", b":memory:", ""}:
            yield from _file(arguments[0], "rw")
    elif event in _STARTS:
        program = arguments[0]
        yield "process", _text(program if isinstance(program, str | bytes) else repr(program))
    elif event.startswith("socket."):
        yield from _network(event, arguments, names)


def _opened(path: Any, _mode: Any, flags: int) -> Iterator[tuple[object, ...]]:  # noqa: ANN401 (whatever was passed)
    kind = {os.O_RDONLY: "r", os.O_WRONLY: "w"}.get(flags & os.O_ACCMODE, "rw")
    if flags & (os.O_CREAT | os.O_TRUNC) and kind == "r":
        kind = "rw"
    yield from _file(path, kind, creates=bool(flags & os.O_CREAT))


def _file(path: Any, kind: str, *, parent: bool = False, creates: bool = False) -> Iterator[tuple[object, ...]]:  # noqa: ANN401
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor: it was opened before
    full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (pathlib would raise events of its own)
    if kind == "r" and full.startswith(f"{sys.base_prefix}/"):
        return  # the standard library, which every import reads
    there = os.path.lexists(full)
    if parent or (creates and not there):
        full, kind = os.path.dirname(full), "w"  # noqa: PTH120 (likewise)
    yield "file", _text(full), kind, os.path.lexists(full)


def _text(value: str | bytes) -> str:
    """Return what can be written down of a path or a name, which may be any bytes."""
    return os.fsdecode(value)[:MAX_TEXT].encode("utf-8", "replace").decode()


def _network(event: str, arguments: tuple[Any, ...], names: dict[str, str]) -> Iterator[tuple[object, ...]]:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}:
        one, address = arguments[:2]
        if not isinstance(address, tuple) or one.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        if event == "socket.bind":
            if address[1] and one.type == socket.SOCK_STREAM:
                yield "listen", address[1]
            return
        protocol = "udp" if one.type == socket.SOCK_DGRAM else "tcp"
        yield "connect", protocol, names.get(address[0], address[0]), address[1]
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        name, port = arguments[0], arguments[1] if event == "socket.getaddrinfo" else None
        if name:
            yield "lookup", _text(name), int(str(port)) if str(port).isdecimal() else None


def watch_lookups(recorder: Recorder) -> None:
    """Remember which name each address was looked up by."""
    inner = importlib.import_module("_socket")
    for holder, function in ((inner, "getaddrinfo"), (socket, "gethostbyname")):
        original = getattr(holder, function)

        def look_up(name: Any, *rest: Any, original: Any = original, **named: Any) -> Any:  # noqa: ANN401 (as it was)
            answer = original(name, *rest, **named)
            found = [answer] if isinstance(answer, str) else [entry[4][0] for entry in answer]
            if name:
                recorder.names.update(dict.fromkeys(found, os.fsdecode(name)))
            return answer

        setattr(holder, function, look_up)


def watch_environment(recorder: Recorder) -> None:
    """Put a class over os.environ that tells what is read."""
    environ: Any = type(os.environ)  # its name is private

    class Watched(environ):  # type: ignore[misc]
        """The environment, which tells what is read of it."""

        def __getitem__(self, key: str) -> Any:  # noqa: ANN401 (as it was)
            recorder.note("variable", str(key), direct=True)
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[str]:
            recorder.note("variable", None, direct=True)
            return iter(super().__iter__())

    os.environ.__class__ = Watched


def watch_methods(recorder: Recorder, cls: type) -> None:
    """Tell of calls of the SDK's methods that a permission is for."""
    for name in SDK_METHODS:
        original = getattr(cls, name, None)
        if original is None:
            continue

        def call(*words: Any, name: str = name, original: Any = original, **named: Any) -> Any:  # noqa: ANN401 (as it was)
            first = words[1] if len(words) > 1 else None
            recorder.note("call", name, first if isinstance(first, str) else None)
            return original(*words, **named)

        setattr(cls, name, call)


def main(channel: socket.socket, _assignment: object) -> int:
    """Record while the tests run; the sandbox stands already."""
    sys.path.append(f"{APP}/{FOREIGN[1]}")
    runner = importlib.import_module(RUNNER)
    recorder = Recorder(channel.sendall)
    watch_methods(recorder, importlib.import_module("mobileops.plugin.base").Plugin)
    watch_lookups(recorder)
    watch_environment(recorder)
    Path(WORK).mkdir(parents=True)
    os.chdir(WORK)
    sys.addaudithook(recorder)
    status = int(runner.main(Path(APP), Path(REPORT), []))
    report = json.loads(Path(REPORT).read_text(encoding="utf-8"))
    channel.sendall(json.dumps(["end", status, report]).encode() + b"\n")
    return status
