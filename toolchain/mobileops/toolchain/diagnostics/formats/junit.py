"""JUnit XML, as CI servers read it: an error is a failed test case, a warning a passed one with output."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

# XML 1.0, section 2.2: these characters cannot be in a document, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(diagnostics: Sequence[Diagnostic], *, name: str, base: str) -> str:
    """Return one test suite; without diagnostics it has one case that passed."""
    failures = sum(found.is_error for found in diagnostics)
    cases = [_case(found, base) for found in diagnostics] or ['    <testcase classname="validate" name="no findings"/>']
    suite = f'name="mobileops validate {_xml(name)}" tests="{len(cases)}" failures="{failures}" errors="0" skipped="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites tests="{len(cases)}" failures="{failures}" errors="0">',
            f"  <testsuite {suite}>",
            *cases,
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(found: Diagnostic, base: str) -> str:
    finding = found.finding
    place = found.place(base)
    line = f' line="{found.line}"' if found.line else ""
    attributes = f'classname="{_xml(f"{base}{found.file}")}" name="{_xml(f"{finding.code} {place}")}"{line}'
    text = _xml("\n".join([f"{place}: {finding.what}", *(part for part in (finding.why, finding.fix) if part)]))
    if found.is_error:
        body = f'<failure type="{finding.code}" message="{_xml(finding.what)}">{text}</failure>'
    else:
        body = f"<system-out>{text}</system-out>"
    return f"    <testcase {attributes}>{body}</testcase>"


def _xml(text: str) -> str:
    """Return a text for an XML document, line ends in attributes included."""
    return html.escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)).replace("\n", "&#10;")
