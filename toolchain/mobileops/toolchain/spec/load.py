"""Read the plugin schema and the permission catalogue as checked values.

The catalogue is ours, not a plugin author's: a file that breaks its form raises ``HostFault``.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from mobileops.errors import HostFault
from mobileops.toolchain._resources import schema_root

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN_SCHEMA: Final = "plugin/v1/plugin.schema.json"
CATALOGUE: Final = "permissions/v1"
GRAMMAR: Final = "permissions/v1/grammar/arguments.yaml"
RISKS: Final = ("low", "medium", "high")

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Argument:
    """What may follow the colon of a permission.

    Attributes:
        form: placeholder for people, such as ``HOST:PORT``.
        pattern: unanchored regular expression with every part filled in.
        expects: noun phrase for messages, without a period.
    """

    form: str
    pattern: str
    expects: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PermissionEntry:
    """One permission of the catalogue.

    Attributes:
        argument: None if the permission takes no value.
        optional: whether the bare form is allowed too.
        broad: what to write instead of the bare form, or None if the bare form is not warned of.
        covers: what else is allowed by it, in words; the rule itself is ``mobileops.manifest.covers``.
    """

    name: str
    summary: str
    argument: Argument | None
    optional: bool
    broad: str | None
    examples: tuple[str, ...]
    risk: str
    enforced_by: str
    covers: str

    @property
    def forms(self) -> tuple[str, ...]:
        """Return the ways to write it, such as ``network.http`` and ``network.http:HOST``."""
        bare = () if self.argument and not self.optional else (self.name,)
        forms = self.argument.form.split(" or ") if self.argument else []
        return bare + tuple(f"{self.name}:{form}" for form in forms)


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """One file of the catalogue."""

    family: str
    title: str
    about: str
    permissions: tuple[PermissionEntry, ...]


@functools.cache
def schema_bytes(root: Path | None = None) -> bytes:
    """Return the plugin schema file."""
    return ((root or schema_root()) / PLUGIN_SCHEMA).read_bytes()


def plugin_schema(root: Path | None = None) -> dict[str, Any]:
    """Return the plugin schema; the caller owns the value."""
    value: dict[str, Any] = json.loads(schema_bytes(root))
    return value


def schema_digest(data: bytes) -> str:
    """Return the lowercase hex SHA-256 that names a schema everywhere it was generated into."""
    return hashlib.sha256(data).hexdigest()


def catalogue(root: Path | None = None) -> tuple[Family, ...]:
    """Return every family of permissions, sorted by file name.

    Raises:
        HostFault: a catalogue file does not have the form that schema/README.md describes (``MOP8012``).
    """
    base = root or schema_root()
    arguments = _arguments(base / GRAMMAR)
    return tuple(_family(path, arguments) for path in sorted((base / CATALOGUE).glob("*.yaml")))


def entries(families: tuple[Family, ...]) -> tuple[PermissionEntry, ...]:
    """Return the permissions of all families in catalogue order."""
    return tuple(entry for family in families for entry in family.permissions)


def _arguments(path: Path) -> dict[str, Argument]:
    """Return the argument kinds by name, with their patterns filled in."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts: dict[str, str] = document["parts"]

    def fill(pattern: str) -> str:
        return _PLACEHOLDER.sub(lambda match: fill(parts[match[1]]), pattern)

    return {
        name: Argument(form=item["form"], pattern=fill(item["pattern"]), expects=item["expects"])
        for name, item in document["arguments"].items()
    }


def _family(path: Path, arguments: dict[str, Argument]) -> Family:
    """Return one family; its file is named after it."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        family = Family(
            family=document["family"],
            title=document["title"],
            about=document["about"],
            permissions=tuple(_entry(item, arguments) for item in document["permissions"]),
        )
    except (KeyError, TypeError) as error:
        raise _malformed(path, f"{error} is missing or unknown") from error
    for entry in family.permissions:
        if family.family != path.stem or entry.name.partition(".")[0] != path.stem:
            raise _malformed(path, f"{entry.name!r} does not belong to {path.stem!r}")
        if entry.risk not in RISKS:
            raise _malformed(path, f"risk {entry.risk!r} is none of {', '.join(RISKS)}")
    return family


def _entry(item: dict[str, Any], arguments: dict[str, Argument]) -> PermissionEntry:
    """Return one permission of a family file; unknown keys raise TypeError."""
    fields = dict(item)
    argument = fields.pop("argument")
    return PermissionEntry(
        argument=None if argument is None else arguments[argument],
        optional=fields.pop("optional", False),
        broad=fields.pop("broad", None),
        examples=tuple(fields.pop("examples")),
        **fields,
    )


def _malformed(path: Path, why: str) -> HostFault:
    """Return the error for a catalogue file that breaks the form."""
    return HostFault(
        f"the permission catalogue file {path.name!r} is malformed", code="MOP8012", where=str(path), why=why
    )
