"""Write every file that is generated from the schema and the catalogue, or say which of them is stale.

=====================================================  ==========================================================
file                                                   from
=====================================================  ==========================================================
``schema/plugin/v1/plugin.schema.json``                itself, with ``#/$defs/permission`` made from the catalogue
``runtime_min/mobileops/manifest/_generated.py``       schema and catalogue: the device's validator
``runtime_min/mobileops/manifest/_types_generated.py`` schema: ``TypedDict`` for authors and type checkers
``docs/reference/manifest.md``                         schema
``docs/reference/permissions.md``                      catalogue
``schema/catalog.json``                                schema: the entry that SchemaStore takes
``schema/form/v1/plugin.form.json``                    schema: the form of plugin.json
=====================================================  ==========================================================

Generation is a function of these inputs alone: run twice, it changes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.spec import load
from mobileops.toolchain.spec.editors import catalog
from mobileops.toolchain.spec.form import manifest_form
from mobileops.toolchain.spec.pages import manifest_page, permissions_page
from mobileops.toolchain.spec.permission_schema import permission_schema
from mobileops.toolchain.spec.source_text import document, literal, sequence
from mobileops.toolchain.spec.typed_dicts import types_module
from mobileops.toolchain.spec.validator import ValidatorSource

if TYPE_CHECKING:
    from pathlib import Path

COMMAND: Final = "python -m mobileops.toolchain.spec --write"
VALIDATOR: Final = "runtime_min/mobileops/manifest/_generated.py"
TYPES: Final = "runtime_min/mobileops/manifest/_types_generated.py"
MANIFEST_PAGE: Final = "docs/reference/manifest.md"
PERMISSIONS_PAGE: Final = "docs/reference/permissions.md"
CATALOG: Final = "schema/catalog.json"
FORM: Final = "schema/form/v1/plugin.form.json"


def generate(root: Path | None = None) -> dict[str, str]:
    """Return file (relative to the checkout, POSIX) -> text, for the schema folder ``root``."""
    base = root or schema_root()
    families = load.catalogue(base)
    schema = load.plugin_schema(base)
    schema["$defs"]["permission"] = permission_schema(load.entries(families))
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    digest = load.schema_digest(text.encode())
    return {
        f"{base.name}/{load.PLUGIN_SCHEMA}": text,
        VALIDATOR: validator_module(schema, families, digest),
        TYPES: types_module(schema, digest, COMMAND),
        MANIFEST_PAGE: manifest_page(schema, COMMAND),
        PERMISSIONS_PAGE: permissions_page(families, COMMAND),
        CATALOG: json.dumps(catalog(schema), indent=2, ensure_ascii=False) + "\n",
        FORM: json.dumps(manifest_form(schema, digest=digest), indent=2, ensure_ascii=False) + "\n",
    }


def stale(checkout: Path) -> tuple[str, ...]:
    """Return the generated files of a checkout that differ from what would be written."""
    return tuple(
        name
        for name, text in generate(checkout / "schema").items()
        if not (checkout / name).is_file() or (checkout / name).read_bytes() != text.encode()
    )


def write(checkout: Path) -> tuple[str, ...]:
    """Write the stale files of a checkout and return their names."""
    texts = generate(checkout / "schema")
    names = stale(checkout)
    for name in names:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes(texts[name].encode())
    return names


def validator_module(schema: dict[str, Any], families: tuple[load.Family, ...], digest: str) -> str:
    """Return the source of ``mobileops.manifest._generated``."""
    source = ValidatorSource(schema)
    source.generate()
    return document(
        _HEADER.format(command=COMMAND, digest=digest),
        [
            _sentences(source.sentences),
            _choices(source.choices),
            _patterns(source.patterns),
            _permission_table(load.entries(families)),
            _defaults(schema),
            _RUNTIME.splitlines(),
            *source.functions.values(),
            source.tables[1:],
        ],
    )


def _sentences(sentences: list[tuple[str, str]]) -> list[str]:
    """Return the table of fixed problems."""
    lines = ["_SENTENCES: Final = ("]
    for code, text in sentences:
        lines += sequence([literal(code), literal(text)], brackets="()", indent="    ", after=",")
    return [*lines, ")"]


def _choices(choices: list[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Return the table of enumerations."""
    lines = ["_CHOICES: Final = ("]
    for sentence, values in choices:
        (inner,) = sequence([literal(value) for value in values], brackets="()")
        lines += sequence([literal(sentence), inner], brackets="()", indent="    ", after=",")
    return [*lines, ")"]


def _patterns(patterns: list[str]) -> list[str]:
    """Return the table of regular expressions."""
    return ["_PATTERNS: Final = (", *(f"    {literal(pattern)}," for pattern in patterns), ")"]


def _permission_table(entries: tuple[load.PermissionEntry, ...]) -> list[str]:
    """Return name -> (risk, summary, what to write instead of a broad bare form)."""
    lines = ["PERMISSIONS: Final[dict[str, tuple[str, str, str | None]]] = {"]
    for entry in entries:
        items = [literal(entry.risk), literal(entry.summary), literal(entry.broad) if entry.broad else "None"]
        lines += sequence(items, brackets="()", indent="    ", before=f"{literal(entry.name)}: ", after=",")
    return [*lines, "}"]


def _defaults(schema: dict[str, Any]) -> list[str]:
    """Return section -> key -> default, for the sections whose keys have defaults."""
    lines = ["DEFAULTS: Final[dict[str, dict[str, Any]]] = {"]
    for section, rule in schema["properties"].items():
        defaults = {key: item["default"] for key, item in rule.get("properties", {}).items() if "default" in item}
        pairs = [f"{literal(key)}: {_constant(value)}" for key, value in defaults.items()]
        if pairs:
            lines += sequence(pairs, brackets="{}", indent="    ", before=f"{literal(section)}: ", after=",")
    return [*lines, "}"]


def _constant(value: object) -> str:
    """Return the source of a default value."""
    return literal(value) if isinstance(value, str) else repr(value)


_HEADER: Final = '''"""Check a plugin.json document: made by `{command}`, do not edit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mobileops.manifest._problems import (
    Problem,
    escape,
    missing,
    mistyped,
    repeated,
    shown,
    unknown_key,
    wrong_choice,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

Rule: TypeAlias = "Callable[[Any, str, list[Problem]], None]"

SCHEMA_SHA256: Final = "{digest}"'''

_RUNTIME: Final = '''def validate(document: object) -> list[Problem]:
    """Return every problem of a document; the JSON pointers are relative to it."""
    problems: list[Problem] = []
    _document(document, "", problems)
    return problems


def permission_problems(text: object) -> list[Problem]:
    """Return every problem of one permission string."""
    problems: list[Problem] = []
    _def_permission(text, "", problems)
    return problems


@functools.cache
def _pattern(index: int) -> re.Pattern[str]:
    """Compile a pattern on first use: most manifests need few of them."""
    import re  # noqa: PLC0415 - a manifest that needs no pattern does not pay for it

    return re.compile(_PATTERNS[index])


def _found(index: int, text: str) -> bool:
    """Tell whether a pattern is found in a text."""
    return _pattern(index).search(text) is not None


def _problem(index: int, at: str, v: Any) -> Problem:
    """Return a problem whose words do not depend on the value."""
    code, what = _SENTENCES[index]
    return Problem(code, at, what, None, shown(v))


def _anything(v: Any, at: str, out: list[Problem]) -> None:
    """Accept every value."""'''
