"""The project's own rules: ``.mobileops.toml`` in the plugin's folder.

::

    [rules.MOP1210]
    severity = "off"            # off, warn or error
    reason = "talks to whatever host the operator sets"

What a device checks itself before it installs a plugin (manifest text, schema, permissions, keys against each other)
cannot be lowered: validate would say yes, and the device no.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import Finding
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.diagnostics.diagnostic import is_of_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mobileops.toolchain.diagnostics.catalogue import Entry

FILE_NAME: Final = ".mobileops.toml"
CODE_UNREADABLE: Final = "MOP1390"
CODE_UNKNOWN: Final = "MOP1391"
CODE_RULE: Final = "MOP1392"
MAX_REASON_CHARACTERS: Final = 500

_SEVERITIES: Final = {"off": None, "warn": "warning", "error": "error"}
_KEYS: Final = frozenset({"severity", "reason"})
_AREA: Final = "MOP1"
_LINE: Final = re.compile(r"\(at line (?P<line>[0-9]+), column (?P<column>[0-9]+)\)")


class ProjectRules(NamedTuple):
    """What a project decided about findings.

    Attributes:
        severities: code -> ``error``, ``warning``, or None for off.
    """

    severities: Mapping[str, str | None]

    def apply(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that are on, with the severity that the project gives them."""
        for finding in findings:
            severity = self.severities.get(finding.code, finding.severity)
            if severity is not None:
                yield finding if severity == finding.severity else finding._replace(severity=severity)


def load(folder: Path) -> tuple[ProjectRules, tuple[Finding, ...]]:
    """Return a project's rules and what is wrong with them; a wrong rule is not applied."""
    if not files.exists(folder, FILE_NAME):
        return ProjectRules({}), ()
    import tomllib  # noqa: PLC0415 - most projects have no rules

    text = files.read_text(folder, FILE_NAME)
    if isinstance(text, Unreadable):
        return ProjectRules({}), (_finding(CODE_UNREADABLE, f"{FILE_NAME} {text.reason}", FILE_NAME),)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return ProjectRules({}), (_not_toml(error),)
    return _read(document, text)


def _read(document: dict[str, Any], text: str) -> tuple[ProjectRules, tuple[Finding, ...]]:
    """Return the rules that are right, and a finding for everything else."""
    findings = [
        _finding(CODE_RULE, f"there is no key {key!r}", _place(text, key), "keep only [rules.CODE] tables")
        for key in document
        if key != "rules"
    ]
    rules = document.get("rules", {})
    if not isinstance(rules, dict):
        findings.append(_finding(CODE_RULE, "'rules' is no table", _place(text, "rules"), "write [rules.MOP1210]"))
        rules = {}
    severities: dict[str, str | None] = {}
    for code, rule in rules.items():
        objection = _objection(code, rule, _place(text, code))
        if objection:
            findings.append(objection)
        else:
            severities[code] = _SEVERITIES[rule["severity"]]
    return ProjectRules(severities), tuple(findings)


def _objection(code: str, rule: object, place: str) -> Finding | None:
    """Return what is wrong with one rule."""
    import difflib  # noqa: PLC0415 - most projects have no rules

    from mobileops.toolchain.diagnostics import catalogue  # noqa: PLC0415 - as above

    entry = catalogue.entries().get(code)
    if entry is None or not code.startswith(_AREA):
        known = [known for known in catalogue.entries() if known.startswith(_AREA)]
        near = difflib.get_close_matches(code.upper(), known, n=1)
        fix = f"did you mean {near[0]!r}?" if near else "see the codes that 'mobileops validate' prints"
        return _finding(CODE_UNKNOWN, f"{code[:40]!r} is no code of validate", place, fix)
    if not isinstance(rule, dict):
        return _finding(CODE_RULE, f"the rule for {code} is no table", place, f"write [rules.{code}]")
    return next((_finding(CODE_RULE, what, place, fix) for what, fix in _defects(entry, rule)), None)


def _defects(entry: Entry, rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (cause, remedy) for what is wrong inside a rule."""
    code, severity, reason = entry.code, rule.get("severity"), rule.get("reason")
    for key in sorted(rule.keys() - _KEYS):
        yield f"the rule for {code} has a key {key[:40]!r}", "remove it"
    if not isinstance(severity, str) or severity not in _SEVERITIES:
        yield f"the rule for {code} has no severity off, warn or error", 'write severity = "warn"'
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= MAX_REASON_CHARACTERS:
        yield f"the rule for {code} gives no reason", 'add reason = "why this is right here"'
    if is_of_manifest(code) and severity != "error" and entry.severity == "error":
        yield f"{code} cannot be lowered: devices check it too", "remove the rule, and correct what the finding says"


def _not_toml(error: Exception) -> Finding:
    found = _LINE.search(str(error))
    place = f"{FILE_NAME}:{found['line']}:{found['column']}" if found else FILE_NAME
    reason = _LINE.sub("", str(error)).strip() or "nested too deeply"
    return _finding(CODE_UNREADABLE, f"not TOML: {reason}", place, "correct this line")


def _place(text: str, name: str) -> str:
    """Return the line that names a rule, as well as that can be told from the text."""
    found = re.search(rf"^[ \t]*\[?.*?\b{re.escape(name)}\b", text, flags=re.MULTILINE)
    return f"{FILE_NAME}:{text.count(chr(10), 0, found.start()) + 1}" if found else FILE_NAME


def _finding(code: str, what: str, where: str, fix: str = "remove it, or make it a readable text file") -> Finding:
    why = f"{FILE_NAME} changes what validate says about this plugin, so it must be understood, with reasons"
    return Finding(code=code, what=what, where=where, why=why, fix=fix)
