"""What the JUnit plugin of Jenkins takes, in the words of its schema (junit-10.xsd), checked by hand.

Not the schema itself, which no installed package has: a check by structure. The same elements, what may be in what,
and the required attributes are held to; counts have to be numbers, which the schema leaves open and every reader
expects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterator

_COUNTS: Final = frozenset({"tests", "failures", "errors", "skipped"})
_NUMBER: Final = re.compile(r"[0-9]+")
_TIME: Final = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{1,3})+(\.[0-9]{0,3})?|\.[0-9]{1,3}")
"""SUREFIRE_TIME: seconds, with at most three digits after the point."""


class _Element(NamedTuple):
    children: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    has_text: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OUTCOME: Final = _Element(optional=_words("type message"), has_text=True)
_AGAIN: Final = _Element(_words("stackTrace system-out system-err"), _words("type"), _words("message"), has_text=True)
_TEXT: Final = _Element(has_text=True)
_ELEMENTS: Final = {
    "testsuites": _Element(_words("testsuite"), optional=_words("name time tests failures errors")),
    "testsuite": _Element(
        _words("testsuite properties testcase system-out system-err"),
        _words("name tests failures errors"),
        _words("group time skipped timestamp hostname id package file log url version"),
    ),
    "testcase": _Element(
        _words("skipped error failure rerunFailure rerunError flakyFailure flakyError system-out system-err"),
        _words("name"),
        _words("time classname group"),
    ),
    "properties": _Element(_words("property")),
    "property": _Element(required=_words("name value")),
    **dict.fromkeys(("error", "failure", "skipped"), _OUTCOME),
    **dict.fromkeys(("rerunFailure", "rerunError", "flakyFailure", "flakyError"), _AGAIN),
    **dict.fromkeys(("system-out", "system-err", "stackTrace"), _TEXT),
}


def problems(root: ET.Element) -> list[str]:
    """Return what Jenkins would not take in a report; [] for a good one."""
    if root.tag not in {"testsuites", "testsuite"}:
        return [f"the root is {root.tag!r}"]
    return list(_of(root))


def _of(one: ET.Element) -> Iterator[str]:
    rule = _ELEMENTS[one.tag]
    yield from (f"{one.tag} lacks {name!r}" for name in sorted(rule.required - one.attrib.keys()))
    yield from (f"{one.tag} has {name!r}" for name in sorted(one.attrib.keys() - rule.required - rule.optional))
    for name, value in one.items():
        if (name in _COUNTS and not _NUMBER.fullmatch(value)) or (name == "time" and not _TIME.fullmatch(value)):
            yield f"{name} of {one.tag} is {value!r}"
    texts = [one.text, *(child.tail for child in one)]
    if not rule.has_text and any(text and text.strip() for text in texts):
        yield f"{one.tag} has text"
    for child in one:
        if child.tag in rule.children:
            yield from _of(child)
        else:
            yield f"{one.tag} has a {child.tag!r} in it"
