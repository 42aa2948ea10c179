"""Make the errors of this package; whoever finds nothing wrong does not pay for the error classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobileops.errors import ManifestError


def refused(code: str, what: str, where: str, *, why: str | None = None, fix: str | None = None) -> ManifestError:
    """Return an error with one finding.

    Args:
        code: of the finding.
        what: one line, no final period.
        where: file, with line and column or a JSON pointer.
        why: the rule and its source.
        fix: what to do.
    """
    from mobileops.errors import Finding, ManifestError  # noqa: PLC0415 - see the module's docstring

    return ManifestError((Finding(code, what, where, why=why, fix=fix),), where=where)
