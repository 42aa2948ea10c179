"""Every error code has one meaning: one part of the product owns it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import mobileops.runtime
import mobileops.toolchain

CODE = re.compile(r'"(MOP[0-9]{4})"')
SHARED = {
    "MOP1120",  # an unknown manifest version: refused by the manifest, and by its migration
    "MOP1104",  # the generator of the validator writes it, the validator's helper reports it
    "MOP1201",  # likewise
    "MOP1321",  # the reader of YAML makes the findings, the rule about plugin.yaml passes them on
    "MOP5105",  # "not running" is said by the manager, and by the command when there is no manager
    "MOP5201",  # the command tells "another one serves" from other faults
}


def owner(path: Path, root: Path) -> str:
    """Return the package, two levels down, that a file belongs to."""
    return "/".join(path.relative_to(root).parts[:2])


def test_no_two_parts_use_one_code() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for package in (mobileops.runtime, mobileops.toolchain):
        root = Path(package.__path__[0]).parent
        for path in root.rglob("*.py"):
            if not path.stem.endswith("_generated"):
                for code in CODE.findall(path.read_text(encoding="utf-8")):
                    owners[code].add(owner(path, root).removesuffix(".py"))
    command_line = {"cli/commands", "cli/parser"}
    channel = {f"runtime/{one}" for one in ("channel", "routing", "sandboxed", "supervision")}
    isolation = {"runtime/isolation", "runtime/launching"}
    repository = {"cli/commands", "runtime/repository", "toolchain/repository"}
    clashes = {
        code: sorted(parts)
        for code, parts in owners.items()
        if len(parts) > 1
        and code not in SHARED
        and not any(parts <= group for group in (channel, command_line, isolation, repository))
    }
    clashes = {code: parts for code, parts in clashes.items() if {part.split("/")[0] for part in parts} != {"manifest"}}
    assert clashes == {}


def test_a_code_is_found_where_it_is_used() -> None:
    assert CODE.findall('error(code="MOP6004")') == ["MOP6004"]
