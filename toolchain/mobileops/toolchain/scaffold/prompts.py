"""What a template asks, as the plugin schema puts it.

Each ``cookiecutter.json`` is generated: its questions are keys of the manifest, with the schema's descriptions, its
examples as choices, and the defaults of its snippet of a whole plugin.json. So nothing here has to read the schema
when a plugin is made, and plain cookiecutter asks the same questions. ``_schema_sha256`` names the schema; a test
generates the files again.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any, Final

from mobileops import manifest
from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATE_MARK: Final = "cookiecutter.json"
MAX_MARK_BYTES: Final = 1 << 16
QUESTIONS: Final = ("name", "description", "author", "license")
CLASS_NAME: Final = "__class_name"
SCHEMA_DIGEST: Final = "_schema_sha256"
COMMAND: Final = "python -m mobileops.toolchain.scaffold --write"
_SUMMARY: Final = "_summary"
_PROMPTS: Final = "__prompts__"
_PLACEHOLDER: Final = re.compile(r"\$\{[0-9]+[:|]([^,|}]*)[^}]*\}")
_PROBE: Final = {
    "name": "probe",
    "version": "0.1.0",
    "description": "probe",
    "author": "probe",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
# For whoever uses plain cookiecutter; `mobileops.toolchain.scaffold.names` knows more about names that are taken.
_CLASS_NAME_RULE: Final = "{{ cookiecutter.name.replace('-', ' ').title().replace(' ', '') }}"


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """One question.

    Attributes:
        key: of the manifest.
        description: of that key in the schema.
        default: the answer of somebody who gives none.
        choices: examples of answers, the default first; empty when the schema gives none.
    """

    key: str
    description: str
    default: str
    choices: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Questions:
    """What one template asks.

    Attributes:
        summary: what kind of plugin the template makes.
        prompts: in the order of asking; the first is the name.
        schema_sha256: lowercase hex digest of the schema they come from.
    """

    summary: str
    prompts: tuple[Prompt, ...]
    schema_sha256: str


def load(template: Path) -> Questions:
    """Return the questions of a template folder.

    Raises:
        HostFault: MOP7108, its ``cookiecutter.json`` is damaged.
    """
    try:
        with (template / TEMPLATE_MARK).open("rb") as stream:
            document = json.loads(stream.read(MAX_MARK_BYTES))
        prompts = tuple(_prompt(document, key) for key in document if not key.startswith("_"))
        return Questions(document[_SUMMARY], prompts, document[SCHEMA_DIGEST])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(template, error) from error


def damaged(template: Path, error: Exception) -> HostFault:
    """Return the error for a template that cannot be used."""
    return HostFault(
        f"the template {template.name!r} cannot be rendered",
        code="MOP7108",
        where=str(template),
        why=str(error),
        fix="install mobileops-toolchain again",
    )


def objection(key: str, answer: str) -> str | None:
    """Return the schema's sentence against an answer, None if there is none; no other place knows the rule."""
    for finding in manifest.check({**_PROBE, key: answer}):
        if finding.where.endswith(f"/{key}"):
            return finding.what
    return None


def document(schema: Mapping[str, Any], plugin_type: str, *, digest: str) -> dict[str, Any]:
    """Return what the ``cookiecutter.json`` of a plugin type says.

    Args:
        schema: the plugin schema.
        plugin_type: one of the schema's types.
        digest: of the schema file.
    """
    types = schema["properties"]["type"]
    summaries = dict(zip(types["enum"], types["enumDescriptions"], strict=True))
    snippet = schema["defaultSnippets"][0]["body"]
    defaults = {key: _PLACEHOLDER.sub(r"\1", snippet[key]) for key in QUESTIONS}
    keys = {key: schema["properties"][key] for key in QUESTIONS}
    choices = list(dict.fromkeys((defaults["license"], *keys["license"]["examples"])))
    return {
        **defaults,
        "license": choices,
        CLASS_NAME: _CLASS_NAME_RULE,
        _SUMMARY: summaries[plugin_type],
        SCHEMA_DIGEST: digest,
        _PROMPTS: {key: keys[key]["description"] for key in QUESTIONS},
    }


def text(schema: Mapping[str, Any], plugin_type: str, *, digest: str) -> str:
    """Return the whole ``cookiecutter.json`` of a plugin type."""
    return json.dumps(document(schema, plugin_type, digest=digest), indent=4, ensure_ascii=False) + "\n"


def _prompt(document: Mapping[str, Any], key: str) -> Prompt:
    value = document[key]
    choices = tuple(value) if isinstance(value, list) else ()
    return Prompt(key, document[_PROMPTS][key], choices[0] if choices else value, choices)
