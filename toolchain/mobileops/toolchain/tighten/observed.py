"""From what was recorded to the permissions that it needs."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import ManifestError
from mobileops.manifest import Permission
from mobileops.runtime.isolation import policy, rootfs, sandbox
from mobileops.runtime.launching.zygote import ENVIRONMENT
from mobileops.toolchain.checks import calls
from mobileops.toolchain.checks.uses import PLATFORM, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HTTP_PORTS: Final = (80, 443)
#: What of /etc every sandbox has; the Landlock rule opens all of it, but only this is there.
_ETC: Final = (*rootfs.GENERATED, "/etc/ssl", "/etc/pki", "/etc/localtime", "/etc/ld.so.cache")


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a plugin did.

    Attributes:
        what: in words.
        family: of the permissions that it is about.
        file: of the plugin's statement, None when it is not known.
        line: of that statement.
        forms: spellings of the permission that it needs, the usual one first; none when it needs no permission, or
            when it does not say which.
        names: of permissions any of which may be what is needed, when it does not say which.
        host: that it is about.
        sure: False for a look at a host's name, which a connection to it explains better.
    """

    what: str
    family: str
    file: str | None = None
    line: int | None = None
    forms: tuple[Permission, ...] = ()
    names: tuple[str, ...] = ()
    host: str | None = None
    sure: bool = True

    @property
    def where(self) -> str:
        """Return ``file:line``, or who else saw it."""
        return f"{self.file}:{self.line}" if self.file else "network broker"


def observations(records: Iterable[list[Any]], decisions: Iterable[dict[str, Any]]) -> list[Observation]:
    """Return what recorded lines and the network broker's decisions mean, each once.

    Args:
        records: as `recorder` tells them; a line of another form is passed over, because a test may write there too.
        decisions: lines of the audit log.
    """
    found: dict[Observation, None] = {}
    for record in records:
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):
            kind, *detail, place = record
            file, line = (str(place[0]), int(place[1])) if place else (None, None)
            for one in _KINDS[kind](*detail):
                found[dataclasses.replace(one, file=file, line=line)] = None
    for decision in decisions:
        found |= dict.fromkeys(_decided(decision))
    connected = {one.host for one in found if one.sure}
    spelled = {one.host for one in found if one.forms}
    return [one for one in found if one.sure or one.host not in (connected if one.forms else spelled)]


def forms_of(permission: Permission) -> tuple[Permission, ...]:
    """Return the spellings of a needed permission: a web server is usually asked for by its name alone."""
    if permission.name == "network.tcp" and permission.port in HTTP_PORTS:
        host = (permission.argument or "").rpartition(":")[0]
        return (Permission("network.http", host or None), permission)
    return (permission,)


def needs_nothing(path: str, *, write: bool) -> bool:
    """Whether every plugin may use a path, without a permission."""
    if policy.is_own_place(path):
        return True
    if write:
        return False
    if path == "/etc" or path.startswith("/etc/"):
        return any(path == own or path.startswith(f"{own}/") for own in _ETC)
    always = (opened for opened, _rights in sandbox.rules(allow_execution=False))
    return any(path == opened or path.startswith(f"{opened}/") for opened in always)


def _file(path: str, mode: str, _exists: bool) -> Iterator[Observation]:  # noqa: FBT001 (as recorded)
    for letter, name, verb in (("r", policy.READ, "read"), ("w", policy.WRITE, "write")):
        if letter in mode:
            needed = () if needs_nothing(path, write=letter == "w") else _parsed(f"{name}:{path}")
            yield Observation(f"{verb} {path}", "filesystem", forms=needed)


def _connect(protocol: str, host: str, port: int, *, sure: bool = True) -> Iterator[Observation]:
    spelled = f"[{host}]" if ":" in host else host.lower()
    forms = _parsed(f"network.{protocol}:{spelled}:{port}")
    names = () if forms else RAW
    what = f"{protocol} {spelled}:{port}"
    yield Observation(what, "network", forms=forms, names=names, host=host.lower(), sure=sure)


def _decided(line: dict[str, Any]) -> Iterator[Observation]:
    """Yield what a line of the audit log shows: what was connected to and looked up, by started programs too."""
    if line.get("operation") == "resolve" and line.get("verdict") == "allowed":
        yield from _lookup(str(line.get("target")), None)
    protocol, _, endpoint = str(line.get("target")).partition(" ")
    address, _, port = endpoint.rpartition(":")
    if line.get("operation") in {"connect", "send"} and line.get("verdict") == "allowed" and port.isdecimal():
        yield from _connect(protocol, str(line.get("name") or address.strip("[]")), int(port))


def _lookup(host: str, port: int | None) -> Iterator[Observation]:
    if port:
        yield from _connect("tcp", host, port, sure=False)
    else:
        yield Observation(f"look up {host}", "network", names=RAW, host=host.lower(), sure=False)


def _listen(port: int) -> Iterator[Observation]:
    yield Observation(f"listen on port {port}", "network", forms=_parsed(f"{policy.INCOMING_TCP}:{port}"))


def _process(program: str) -> Iterator[Observation]:
    yield Observation(f"start {program}", "system", forms=(Permission(policy.EXECUTION),))


def _variable(name: str | None) -> Iterator[Observation]:
    if name is None:
        yield Observation("read the whole environment", "system", forms=(Permission(policy.ENVIRONMENT),))
    else:
        forms = () if name in ENVIRONMENT else _parsed(f"{policy.ENVIRONMENT}:{name}")
        yield Observation(f"read ${name}", "system", forms=forms)


def _call(method: str, partner: str | None) -> Iterator[Observation]:
    if method == calls.PLATFORM_METHOD:
        yield Observation(f"{method}()", "api", names=PLATFORM)
        return
    name = calls.MESSAGE_METHODS[method]
    forms = _parsed(f"{name}:{partner}") if partner else ()
    yield Observation(f"{method}({partner or ''})", name.partition(".")[0], forms=forms, names=() if forms else (name,))


_KINDS: Final[dict[str, Callable[..., Iterator[Observation]]]] = {
    "file": _file,
    "connect": _connect,
    "lookup": _lookup,
    "listen": _listen,
    "process": _process,
    "variable": _variable,
    "call": _call,
}


def _parsed(text: str) -> tuple[Permission, ...]:
    try:
        return forms_of(Permission.parse(text))
    except ManifestError:
        return ()
