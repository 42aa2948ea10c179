"""Forms as plain values: what a program that shows settings needs to know, without JSON Schema.

Two documents have this form (``schema/form/v1/form.schema.json``): that of plugin.json itself, generated into
``schema/form/v1/plugin.form.json``, and that of one plugin's settings, made from its ``configuration_schema`` and
``configuration``. Law: every key that an author may write, and every setting that a plugin has, is one field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain.spec.resolve import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORM_SCHEMA: Final = "form/v1/form.schema.json"
FORM_ADDRESS: Final = "https://mobileops.dev/schema/form/v1/form.schema.json"
GENERAL: Final = "general"

_WIDGETS: Final = {
    "string": "text", "integer": "number", "number": "number", "boolean": "checkbox", "array": "list", "object": "json",
}  # fmt: skip
_RULES: Final = ("minimum", "maximum", "pattern", "minLength", "maxLength", "minItems", "maxItems")
_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def manifest_form(schema: Mapping[str, Any], *, digest: str) -> dict[str, Any]:
    """Return the form of plugin.json: one section for its plain keys, one for each object with keys of its own.

    Args:
        schema: the plugin schema.
        digest: of the schema file.
    """
    definitions = schema["$defs"]
    rules = {key: resolved(rule, definitions) for key, rule in schema["properties"].items()}
    general = {key: rule for key, rule in rules.items() if "properties" not in rule}
    sections = [_section(GENERAL, "The plugin", "", list(_keys(general, schema["required"], definitions)))]
    for key, rule in rules.items():
        if "properties" in rule:
            fields = list(_keys(rule["properties"], rule.get("required", ()), definitions, prefix=f"{key}."))
            sections.append(_section(key, _label(key), rule["description"], fields))
    return _document("plugin.json", sections, digest=digest)


def settings_form(schema: Mapping[str, Any], manifest: Mapping[str, Any], *, digest: str) -> dict[str, Any]:
    """Return the form of one plugin's settings; a setting called ``a.b`` is in section ``a``.

    Args:
        schema: the plugin schema, which says what a definition means that leaves something out.
        manifest: a valid document.
        digest: of the schema file.
    """
    known = resolved(schema["$defs"]["setting"], schema["$defs"])["properties"]
    usual = {key: rule["default"] for key, rule in known.items() if "default" in rule}
    values, definitions = manifest.get("configuration", {}), manifest.get("configuration_schema", {})
    sections: dict[str, list[dict[str, Any]]] = {}
    for name in [*definitions, *(name for name in values if name not in definitions)]:
        definition = definitions.get(name) or {"type": _TYPES.get(type(values[name]), "any")}
        section = name.partition(".")[0] if "." in name else GENERAL
        sections.setdefault(section, []).append(_setting(name, usual | definition, values))
    ordered = sorted(sections, key=lambda section: section != GENERAL)
    title = manifest.get("display_name") or manifest["name"]
    return _document(title, [_section(key, _label(key), "", sections[key]) for key in ordered], digest=digest)


def _setting(name: str, definition: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field of one setting; what is secret has no default."""
    secret = definition["secret"]
    rule = {key: value for key, value in definition.items() if key != "default"}
    if not secret and (name in values or "default" in definition):
        rule["default"] = values.get(name, definition.get("default"))
    label = definition.get("title") or _label(name.rpartition(".")[2])
    field = _field(name, rule, label=label, required="default" not in rule)
    return field | {"secret": secret, "apply": definition["apply"]} | ({"widget": "password"} if secret else {})


def _keys(
    rules: Mapping[str, Any], required: object, definitions: dict[str, Any], *, prefix: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the fields of an object of the manifest."""
    for key, rule in rules.items():
        needed = isinstance(required, list) and key in required
        yield _field(f"{prefix}{key}", resolved(rule, definitions), label=_label(key), required=needed)


def _field(key: str, rule: Mapping[str, Any], *, label: str, required: bool) -> dict[str, Any]:
    """Return one field."""
    kind = rule.get("type", "any")
    field: dict[str, Any] = {
        "key": key,
        "label": label,
        "help": rule.get("description", ""),
        "type": kind,
        "widget": "select" if "enum" in rule else _WIDGETS.get(kind, "json"),
        "required": required,
    }
    field |= {name: rule[name] for name in ("default", "examples") if name in rule}
    bounds = {name: rule[name] for name in _RULES if name in rule}
    if bounds:
        field["bounds"] = bounds
    if "patternErrorMessage" in rule:
        field["expects"] = rule["patternErrorMessage"]
    if "enum" in rule:
        meanings = rule.get("enumDescriptions", [""] * len(rule["enum"]))
        pairs = zip(rule["enum"], meanings, strict=True)
        field["options"] = [{"value": value, "help": meaning} for value, meaning in pairs]
    return field


def _section(key: str, title: str, text: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one section."""
    return {"key": key, "title": title, "help": text, "fields": fields}


def _document(title: str, sections: list[dict[str, Any]], *, digest: str) -> dict[str, Any]:
    """Return the whole form."""
    return {"$schema": FORM_ADDRESS, "schema_sha256": digest, "title": title, "sections": sections}


def _label(key: str) -> str:
    """Return a key as words."""
    words = key.strip("$").replace("_", " ").replace("-", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]
