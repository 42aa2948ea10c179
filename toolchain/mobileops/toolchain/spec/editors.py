"""Tell editors about the schema: the settings of a folder, and an entry for the catalogue that editors download.

Everything works without a network. The JSON setting carries the schema itself, because an editor prefers the address
in a document's ``$schema`` to every other setting and must find it answered; the YAML setting names the copy beside it.
"""

from __future__ import annotations

import json
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import RefusedError
from mobileops.runtime import durable

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS: Final = ".vscode/settings.json"
SCHEMA_COPY: Final = ".vscode/mobileops-plugin.schema.json"
MODELINE: Final = f"# yaml-language-server: $schema={SCHEMA_COPY}"
JSON_FILES: Final = ("/plugin.json",)
YAML_FILES: Final = ("/plugin.yaml",)
MAX_SETTINGS_BYTES: Final = 4 << 20

_SCHEMA_MARK: Final = '"mobileops: the schema goes here"'


def catalog(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a SchemaStore catalogue (schema-catalog.json) with the one entry for the plugin manifest.

    It has no ``fileMatch``: plugin.json is a name that many tools use, and a match would claim all their files.
    """
    address = schema["$id"]
    entry = {
        "name": "MobileOps plugin manifest",
        "description": schema["description"],
        "url": address,
        "versions": {"1": address},
    }
    return {"$schema": "https://json.schemastore.org/schema-catalog.json", "version": 1, "schemas": [entry]}


def write_settings(folder: Path, schema_text: str) -> tuple[Path, ...]:
    """Let Visual Studio Code check plugin.json and plugin.yaml of a folder, and return the files that changed.

    Other settings stay as they are, in their order.

    Raises:
        RefusedError: the settings cannot be changed without losing something (``MOP7130``), or are no settings
            (``MOP7131``).
    """
    settings, copy = folder / SETTINGS, folder / SCHEMA_COPY
    before = {path: _read(path) for path in (settings, copy)}
    after = {settings: merged(before[settings] or "{}", schema_text, where=str(settings)), copy: schema_text}
    settings.parent.mkdir(exist_ok=True)
    changed = tuple(path for path in after if before[path] != after[path])
    for path in changed:
        durable.write(path, after[path].encode(), mode=0o644)
    return changed


def needs_modeline(folder: Path) -> bool:
    """Whether a plugin.yaml has a ``$schema``, which the YAML service prefers to its settings, and no modeline."""
    try:
        text = _read(folder / "plugin.yaml") or ""
    except RefusedError:
        return False
    return re.search(r"^[\"']?\$schema[\"']? *:", text, re.MULTILINE) is not None and MODELINE not in text


def merged(text: str, schema_text: str, *, where: str = SETTINGS) -> str:
    """Return the text of a settings file with ours in it; merging twice changes nothing.

    Raises:
        RefusedError: see ``write_settings``.
    """
    settings = _parsed(text, where)
    schema = json.loads(schema_text)
    address = schema["$id"]
    ours = {"fileMatch": list(JSON_FILES), "url": address, "schema": json.loads(_SCHEMA_MARK)}
    known = _member(settings, "json.schemas", list, where)
    others = [entry for entry in known if not (isinstance(entry, dict) and entry.get("url") == address)]
    settings["json.schemas"] = [*others, ours]
    yaml = _member(settings, "yaml.schemas", dict, where)
    kept = {name: files for name, files in yaml.items() if name != address}
    settings["yaml.schemas"] = {**kept, f"./{SCHEMA_COPY}": list(YAML_FILES)}
    indent = re.search(r"\n([ \t]+)\"", text)
    written = json.dumps(settings, indent=indent[1] if indent else 4, ensure_ascii=False) + "\n"
    return written.replace(_SCHEMA_MARK, json.dumps(schema, ensure_ascii=False, separators=(",", ":")))


def _parsed(text: str, where: str) -> dict[str, Any]:
    """Return the settings, which must be JSON without comments: those would be lost."""
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            "the settings have comments or are no JSON, and writing them would lose that",
            code="MOP7130",
            where=where,
            why=str(error),
            fix="remove the comments, or copy what `mobileops schema --vscode` writes into an empty folder",
        ) from error
    if not isinstance(settings, dict):
        raise _unlike("the settings are", "an object", where)
    return settings


def _member(settings: dict[str, Any], key: str, kind: type, where: str) -> Any:  # noqa: ANN401 - a list or a dict
    """Return one setting, empty where it is absent."""
    value = settings.get(key, kind())
    if not isinstance(value, kind):
        raise _unlike(f"{key!r} is", "an array" if kind is list else "an object", where)
    return value


def _unlike(what: str, wanted: str, where: str) -> RefusedError:
    """Return the error for settings of another form."""
    return RefusedError(f"{what} not {wanted}", code="MOP7131", where=where, fix="repair or remove it first")


def _read(path: Path) -> str | None:
    """Return a regular file's text, or None if there is nothing; a link or a pipe is refused unopened."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise _unlike("this is", "a file", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_SETTINGS_BYTES + 1)
    try:
        if len(data) <= MAX_SETTINGS_BYTES:
            return data.decode()
    except UnicodeDecodeError:
        pass
    raise _unlike("this is", f"UTF-8 text of at most {MAX_SETTINGS_BYTES} bytes", str(path))
