"""A plugin whose main.py a test writes, and what is found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.toolchain.checks import check_source

if TYPE_CHECKING:
    from mobileops.errors import Finding

MAIN = "from mobileops.plugin import ServicePlugin\n{imports}\n\nclass Good(ServicePlugin):\n    def start(self):\n"
LINE = 6  # of the body of start(), when there is one import


def write(folder: Any, body: str = "pass", imports: str = "") -> None:
    folder.write("main.py", f"{MAIN.format(imports=imports)}        {body}\n")


def of(folder: Any, code: str) -> list[Finding]:
    return [finding for finding in check_source(folder.path) if finding.code == code]


def one(folder: Any, code: str) -> Finding:
    found = of(folder, code)
    assert len(found) == 1, found
    return found[0]
