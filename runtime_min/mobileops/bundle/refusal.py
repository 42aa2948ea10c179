"""How this portion says no: one function that raises, and one that shows a hostile name safely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from mobileops.errors import BundleRefused

if TYPE_CHECKING:
    from mobileops.bundle.codes import Code

_SHOWN_BYTES: Final = 200


def refuse(code: Code, what: str, *, where: str, why: str | None = None, cause: Exception | None = None) -> NoReturn:
    """Raise the refusal with `code`; the meaning of the code is the reason unless `why` gives another."""
    raise BundleRefused(
        what,
        code=code.value,
        where=where,
        why=why or f"{code.meaning}; the format explains every byte of a bundle exactly once",
        fix="get the bundle again from its publisher, or rebuild it with 'mobileops package'",
    ) from cause


def member_place(where: str, name: bytes) -> str:
    """Return ``<archive>!<member>`` with nothing in it that could act on a terminal."""
    text = name[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return f"{where}!{text}" if text.isprintable() else f"{where}!{ascii(text)[1:-1]}"
