"""Packaging: a source folder becomes a bundle, bit for bit the same wherever it is built."""

from __future__ import annotations

from mobileops.toolchain.pack.build import Packed, pack
from mobileops.toolchain.pack.codes import PackCode
from mobileops.toolchain.pack.locking import Locked, lock
from mobileops.toolchain.pack.plan import Plan, Planned, plan
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
