"""The licence is an SPDX expression, like MIT or Apache-2.0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1337"
MAX_LENGTH: Final = 512  # characters; the schema allows fewer

_COMMON: Final = frozenset(
    {
        *("0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC-BY-4.0", "CC0-1.0", "EPL-2.0", "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only"),
        *("GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
        *("MIT", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
    }
)
_GNU: Final = {"gpl": ("2.0", "3.0"), "lgpl": ("2.1", "3.0"), "agpl": ("3.0",)}
_SAID: Final = {
    **dict.fromkeys(("apache", "apache2", "apache20", "asl2", "asl20"), "Apache-2.0"),
    **dict.fromkeys(("bsd", "bsd3", "newbsd", "modifiedbsd", "bsd3clause"), "BSD-3-Clause"),
    **dict.fromkeys(("bsd2", "simplifiedbsd", "freebsd", "bsd2clause"), "BSD-2-Clause"),
    **dict.fromkeys(("mit", "expat", "mitx11"), "MIT"),
    **dict.fromkeys(("mpl", "mpl2", "mpl20", "mozilla", "mozillapublic2"), "MPL-2.0"),
    **dict.fromkeys(("publicdomain", "cc0", "pd"), "CC0-1.0"),
    **dict.fromkeys(("proprietary", "commercial", "closed", "unlicensed", "none"), "LicenseRef-Proprietary"),
    "unlicence": "Unlicense",
    "gnugeneralpublic": "GPL-3.0-or-later",
}


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for a licence that no program can recognise.

    It is a warning because it harms nobody, and because the list of licences grows: this one may be newer.
    """
    text = source.text_of("license")
    if text is None or not text.strip() or len(text) > MAX_LENGTH or text in _COMMON:
        return  # the schema speaks about the first ones
    from packaging import licenses  # noqa: PLC0415 - a long table, which the common ones do not need

    try:
        licenses.canonicalize_license_expression(text)
    except (licenses.InvalidLicenseExpression, RecursionError, MemoryError):
        near = _suggestion(text)
        yield Finding(
            code=CODE,
            what=f"licence {text[:80]!r} is not an SPDX expression",
            where=f"{source.manifest_name}#/license",
            why="catalogues and reviewers read it by program; the identifiers are those of spdx.org/licenses",
            fix=f"did you mean {near!r}?" if near else "write an identifier like 'MIT', or 'LicenseRef-' and a name",
            severity="warning",
        )


def _suggestion(text: str) -> str | None:
    """Return the identifier that is probably meant."""
    said = re.sub(r"[^a-z0-9+]|\b(the|licen[cs]ed?|version|v(?=[0-9]))\b", "", re.sub(r"v(?=[0-9])", "", text.lower()))
    said = re.sub(r"licen[cs]e", "", said)
    gnu = re.fullmatch(r"(?:gnu)?([al]?gpl)([0-9])?([0-9])?(\+|orlater|only)?", said)
    if gnu:
        versions = _GNU[gnu[1]]
        version = next((one for one in versions if one[0] == (gnu[2] or versions[-1][0])), versions[-1])
        return f"{gnu[1].upper()}-{version}-{'or-later' if gnu[4] in {'+', 'orlater'} else 'only'}"
    if said in _SAID:
        return _SAID[said]
    import difflib  # noqa: PLC0415 - slow to import, and a licence that is known does not need it

    folded = {one.lower(): one for one in _COMMON}
    near = difflib.get_close_matches(text.strip().lower()[:40], folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else None
