"""The migrations, in order. Each is idempotent: applied to its own result it changes nothing.

A migration adds what can be known and asks for what cannot: permissions are what a plugin's author promises to the
people who run it, so a narrower permission is suggested and never written.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import Finding, ManifestError

if TYPE_CHECKING:
    from mobileops.toolchain.migrate.text import ManifestText

SCHEMA_V1: Final = "https://mobileops.dev/schema/plugin/v1/plugin.schema.json"
SCHEMA_KEY: Final = "$schema"
VERSION_KEY: Final = "manifest_version"
MAX_ADDRESSES: Final = 20
_OUR_SCHEMA: Final = re.compile(r"https?://mobileops\.dev/schema/plugin/v(0|[1-9][0-9]{0,8})/")
_ADDRESS: Final = re.compile(r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::([0-9]{1,5}))?(?=[/?#]|$)", re.IGNORECASE)
_BARE_NETWORK: Final = ("network", "network.http", "network.tcp")
_STANDARD_PORTS: Final = {"http": "80", "https": "443"}


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """One step from a version of the format to the next.

    Attributes:
        source: version it starts from.
        target: version it leads to.
        summary: what it does, one line.
        apply: returns the text afterwards.
        suggest: yields what a person may want to narrow or add, as whole sentences.
    """

    source: int
    target: int
    summary: str
    apply: Callable[[ManifestText], ManifestText]
    suggest: Callable[[Mapping[str, Any]], Iterator[str]]


def version_of(document: Mapping[str, Any], *, where: str) -> int:
    """Return the version of the format that a manifest is written in; 0 is one that does not say.

    Args:
        document: the manifest.
        where: name of its file.

    Raises:
        ManifestError: MOP1120, it names a version that is not known here, or none that can be one.
    """
    stated, schema = document.get(VERSION_KEY), document.get(SCHEMA_KEY)
    named = _OUR_SCHEMA.match(schema) if isinstance(schema, str) else None
    newest = max(migration.target for migration in MIGRATIONS)
    why = f"this toolchain knows the versions 1 to {newest}, and does not guess"
    if VERSION_KEY in document and (isinstance(stated, bool) or stated not in range(1, newest + 1)):
        raise _unknown(f"{VERSION_KEY} is {repr(stated)[:40]}", f"{where}#/{VERSION_KEY}", why)
    if named and int(named[1]) != (stated or 1):
        raise _unknown(f"{SCHEMA_KEY} names version {named[1]}", f"{where}#/{SCHEMA_KEY}", why)
    return int(stated or 0) if schema is not None else 0


def _state_the_format(text: ManifestText) -> ManifestText:
    """Add ``$schema`` at the top and ``manifest_version`` behind it, each unless it is there."""
    if SCHEMA_KEY not in text.document:
        text = text.insert(SCHEMA_KEY, SCHEMA_V1)
    if VERSION_KEY not in text.document:
        text = text.insert(VERSION_KEY, 1, after=SCHEMA_KEY)
    return text


def _narrower_permissions(document: Mapping[str, Any]) -> Iterator[str]:
    """Suggest ``network.http:HOST`` for the addresses in the configuration of a plugin that may reach every host."""
    permissions = document.get("permissions")
    broad = [entry for entry in permissions if entry in _BARE_NETWORK] if isinstance(permissions, list) else []
    if not broad:
        return
    for where, scheme, host, port in _addresses(document.get("configuration")):
        standard = port is None or port == _STANDARD_PORTS[scheme]
        narrow = f"network.http:{host}" if standard else f"network.tcp:{host}:{port}"
        yield f"{where} names {host!r}: {narrow!r} may be all it needs of {broad[0]!r}"


def _addresses(configuration: Any) -> list[tuple[str, str, str, str | None]]:  # noqa: ANN401 - JSON
    """Return (place, scheme, host, port) of the web addresses among the settings."""
    if not isinstance(configuration, Mapping):
        return []
    found = [
        (f"configuration.{key}", match[1].lower(), match[2].lower(), match[3])
        for key, value in configuration.items()
        if isinstance(value, str) and (match := _ADDRESS.match(value))
    ]
    return found[:MAX_ADDRESSES]


def _unknown(what: str, where: str, why: str) -> ManifestError:
    fix = "write the version that the manifest is meant for, or use a newer toolchain"
    return ManifestError((Finding("MOP1120", what, where, why=why, fix=fix),), where=where)


MIGRATIONS: Final = (
    Migration(0, 1, f"state the format: {SCHEMA_KEY} and {VERSION_KEY}", _state_the_format, _narrower_permissions),
)
