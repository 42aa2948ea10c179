r"""Turn the permission catalogue into the ``#/$defs/permission`` of the plugin schema.

For each name there is one ``if``/``then`` for a missing value and one for a wrong value, so that exactly one of them
fails and an editor shows exactly one sentence. The ``anyOf`` never fails: it is where editors find completions.

``:(?!$(?!\n))`` means "a colon that is not the end"; ``$`` alone would also match before a final newline in Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mobileops.toolchain.spec.load import PermissionEntry

END: Final = r"$(?!\n)"
NEVER: Final = "(?!)"
"""A pattern that nothing matches, for a condition that is itself the mistake."""

MAX_PERMISSION_LENGTH: Final = 1024

UNKNOWN: Final = "MOP1201"
NEEDS_VALUE: Final = "MOP1202"
TAKES_NO_VALUE: Final = "MOP1203"
WRONG_VALUE: Final = "MOP1204"


def permission_schema(entries: tuple[PermissionEntry, ...]) -> dict[str, Any]:
    """Return the schema of one permission string."""
    names = "|".join(re.escape(entry.name) for entry in entries)
    families = sorted({entry.name.partition(".")[0] for entry in entries})
    known = {
        "pattern": f"^(?:{names})(?::|{END})",
        "patternErrorMessage": f"Unknown permission; the families are {', '.join(families[:-1])} and {families[-1]}.",
        "$comment": UNKNOWN,
    }
    return {
        "type": "string",
        "maxLength": MAX_PERMISSION_LENGTH,
        "allOf": [{"anyOf": [_values(entries), _snippets(entries)]}, known, *(r for e in entries for r in _rules(e))],
    }


def _values(entries: tuple[PermissionEntry, ...]) -> dict[str, Any]:
    """Return the complete values an editor offers."""
    bare = [entry for entry in entries if entry.argument is None or entry.optional]
    return {"enum": [entry.name for entry in bare], "enumDescriptions": [f"{entry.summary}." for entry in bare]}


def _snippets(entries: tuple[PermissionEntry, ...]) -> dict[str, Any]:
    """Return the values an editor offers with a part to fill in; the schema accepts everything."""
    return {
        "defaultSnippets": [
            {"label": form, "description": f"{entry.summary}.", "body": _body(entry, example)}
            for entry in entries
            for form, example in zip(entry.forms, entry.examples, strict=False)
            if ":" in form
        ]
    }


def _body(entry: PermissionEntry, example: str) -> str:
    """Return a snippet with its value as the placeholder."""
    return f"{entry.name}:${{1:{example.partition(':')[2]}}}"


def _rules(entry: PermissionEntry) -> list[dict[str, Any]]:
    """Return the conditional rules of one permission name."""
    name = re.escape(entry.name)
    if entry.argument is None:
        message = f"'{entry.name}' takes no value; write \"{entry.name}\"."
        return [_rule(f"^{name}:", NEVER, message, TAKES_NO_VALUE)]
    example = next(example for example in entry.examples if ":" in example)
    full = f"^{name}:(?:{entry.argument.pattern}){END}"
    wrong = f"'{entry.name}:' needs {entry.argument.expects}."
    missing = f"'{entry.name}' needs a value, like \"{example}\"."
    if entry.optional:
        return [_described(_rule(f"^{name}:", full, wrong, WRONG_VALUE), entry)]
    return [
        _rule(f"^{name}:?{END}", NEVER, missing, NEEDS_VALUE),
        _described(_rule(f"^{name}:(?!{END})", full, wrong, WRONG_VALUE), entry),
    ]


def _described(rule: dict[str, Any], entry: PermissionEntry) -> dict[str, Any]:
    """Return a rule with what editors show over a permission that has a value."""
    return rule | {"then": {"description": f"{entry.summary}.", **rule["then"]}}


def _rule(condition: str, pattern: str, message: str, code: str) -> dict[str, Any]:
    """Return one ``if``/``then`` with the sentence an editor shows."""
    return {
        "if": {"pattern": condition},
        "then": {"pattern": pattern, "patternErrorMessage": message, "$comment": code},
    }
