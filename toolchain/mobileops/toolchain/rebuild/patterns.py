"""What builds leave in files that is different the next time, as patterns over bytes.

The list is that of reproducible-builds.org (docs/: timestamps, build path, volatile inputs, randomness, locales) and of
what Python writes: addresses in ``repr``, the order of sets.
"""

from __future__ import annotations

import re
from typing import Final

_MONTHS: Final = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAYS: Final = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_CLOCK: Final = rb"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?"
_ZONE: Final = rb"(?: ?(?:Z|[+-]\d\d:?\d\d|[A-Z]{3,4})\b)?"

UUID: Final = re.compile(rb"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")

TIMESTAMP: Final = re.compile(
    b"|".join(
        (
            rb"\b\d{4}-\d\d-\d\d(?:[T _]" + _CLOCK + rb")?" + _ZONE,
            rb"(?:\b" + _DAYS + rb",? +)?(?:\d{1,2} +)?\b" + _MONTHS + rb" +(?:\d{1,2},? +)?(?:" + _CLOCK + rb")?"
            + _ZONE + rb" *(?:\d{4})?(?: +" + _CLOCK + rb")?" + _ZONE,
            rb"\b\d{1,2}[./]\d{1,2}[./]\d{4}\b",
            rb"\b\d{8}T?\d{6}Z?\b",
            rb"\b(?:1[4-9]|2[0-4])\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b",  # seconds, ms, us or ns since 1970
            rb"\b" + _CLOCK + _ZONE,
            rb"(?<=\xa9 )\d{4}\b",
        )
    )
)  # fmt: skip
ADDRESS: Final = re.compile(rb"\b0x[0-9a-fA-F]{6,16}\b")
PATH: Final = re.compile(rb"(?:file://)?(?<![\w.:/])/(?:[\w.@+~-]+/)+[\w.@+~-]*|\b[A-Z]:\\(?:[\w.@+~ -]+\\)*[\w.@+~-]*")
HOME: Final = re.compile(rb"(?<=/home/)[^/\s]+|(?<=/Users/)[^/\s]+|(?<=\\Users\\)[^\\\s]+|(?<=/)root(?=/)")
USER: Final = re.compile(
    rb"(?i)\b(?:user(?:name)?|built[ _-]?by|builder|packager|host(?:name)?|owner|login|logname|uid|gid|machine|node)"
    rb"[\"']?\s*[:= ]\s*[\"']?[\w.@-]+|\b[\w.-]+@[\w.-]+\b"
)
VERSION: Final = re.compile(rb"\bv?\d{1,5}(?:\.\d{1,6})+(?:[-+.]?(?:a|b|rc|dev|post|alpha|beta|[+-])[\w.+-]*)?\b")
RANDOM: Final = re.compile(rb"\b[0-9a-fA-F]{8,}\b|\b[A-Za-z0-9+/_-]{16,}={0,2}|\b0\.\d{6,}\b|\b\d{6,}\b")
NUMBER: Final = re.compile(rb"\d[\d.,'\xa0\xc2\xe2\x80\xaf ]*\d")
TOKEN: Final = re.compile(rb"[\w.+-]+")
CALENDAR_WORD: Final = re.compile(rb"\b(?:" + _MONTHS + rb"|" + _DAYS + rb")\b")
WORD: Final = re.compile(rb"(?:[A-Za-z]|[\x80-\xff])+\.?")
