"""The trail of a verification: each step, what was found, and what would have been accepted (``verify --explain``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mobileops.errors import MobileOpsError

TITLES: Final = (
    "signature file",
    "signature",
    "signer",
    "statement",
    "subjects",
    "manifest",
    "members",
    "revocation",
)
"""Title of each step, by its number."""


class Step:
    """One step.

    Attributes:
        number: place in the order of ``verification``.
        title: what is looked at.
        accepted: what would be accepted.
        found: what was found; empty until the step is over.
        code: why it was refused; None if it was not.
    """

    __slots__ = ("accepted", "code", "found", "number", "title")

    def __init__(self, number: int, title: str, accepted: str) -> None:
        """Begin a step."""
        self.number = number
        self.title = title
        self.accepted = accepted
        self.found = ""
        self.code: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return plain values, for ``--json``."""
        return {
            "number": self.number,
            "title": self.title,
            "accepted": self.accepted,
            "found": self.found,
            "code": self.code,
            "outcome": "refused" if self.code else "passed",
        }


class Trail:
    """The steps that were taken, the last one refused or passed.

    Attributes:
        steps: in their order.
    """

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def begin(self, number: int, accepted: str) -> None:
        """Note a step, before it can fail."""
        self.steps.append(Step(number, TITLES[number], accepted))

    def found(self, text: str) -> None:
        """Note what the current step found: it passed."""
        self.steps[-1].found = text

    def refused(self, error: MobileOpsError) -> None:
        """Note that the current step failed."""
        if self.steps:
            self.steps[-1].found = error.what
            self.steps[-1].code = error.code
