"""Check a plugin's source folder: the manifest by itself, and against the files beside it.

`check_source` returns every finding at once and never raises because of what is in the folder. Nothing of the
plugin is imported or run: its Python files are parsed, no more. Each rule is a module of `checks.rules`; the rules
do not know one another.
"""

from __future__ import annotations

from mobileops.toolchain.checks.registry import RULES, Rule, check_source

__all__ = ["RULES", "Rule", "check_source"]
