"""The rules, in the order in which their findings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.checks import manifest_rules
from mobileops.toolchain.checks.rules import (
    class_name,
    configuration_keys,
    default_conf,
    dependencies_used,
    entry_point,
    entry_point_syntax,
    hooks,
    imports_declared,
    licence,
    permissions_declared,
    permissions_used,
    plugin_class,
    plugin_name,
    private_files,
    python_files,
    requirements,
    secrets_kept_out,
)
from mobileops.toolchain.checks.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import ModuleType

    from mobileops.errors import Finding


class Rule(NamedTuple):
    """One rule.

    Attributes:
        code: the code of its findings.
        summary: what it demands, one sentence.
        check: yields a finding for each violation.
    """

    code: str
    summary: str
    check: Callable[[Source], Iterable[Finding]]


def _rule(module: ModuleType) -> Rule:
    return Rule(code=module.CODE, summary=(module.__doc__ or "").partition("\n")[0], check=module.check)


RULES: Final = tuple(
    _rule(module)
    for module in (
        *manifest_rules.MODULES,
        entry_point,
        entry_point_syntax,
        plugin_class,
        plugin_name,
        hooks,
        requirements,
        default_conf,
        configuration_keys,
        python_files,
        imports_declared,
        dependencies_used,
        permissions_declared,
        permissions_used,
        secrets_kept_out,
        private_files,
        licence,
        class_name,
    )
)


def check_source(source: Path) -> tuple[Finding, ...]:
    """Return the findings of every rule for one plugin folder, in the order of `RULES`.

    Args:
        source: the plugin's folder, with a manifest in it.
    """
    opened = Source(source)
    return tuple(finding for rule in RULES for finding in rule.check(opened))
