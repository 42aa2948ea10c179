"""Packaging: a source folder becomes a bundle, bit for bit the same wherever it is built.

What locks dependencies is imported on first use (PEP 562): it costs as much as packing a small plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain.pack.build import Packed, pack
from mobileops.toolchain.pack.codes import PackCode
from mobileops.toolchain.pack.plan import Plan, plan
from mobileops.toolchain.pack.planned import Planned

if TYPE_CHECKING:
    from mobileops.toolchain.pack.locking import Locked, lock
    from mobileops.toolchain.pack.targets import Target, parse_target
    from mobileops.toolchain.pack.vendor import dependencies

__all__ = [
    "Locked",
    "PackCode",
    "Packed",
    "Plan",
    "Planned",
    "Target",
    "dependencies",
    "lock",
    "pack",
    "parse_target",
    "plan",
]

_HOMES: Final = {
    "Locked": "locking",
    "lock": "locking",
    "Target": "targets",
    "parse_target": "targets",
    "dependencies": "vendor",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any exported value
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    import importlib  # noqa: PLC0415 - for what is imported on first use alone

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
