"""Packaging: a source folder becomes a bundle, bit for bit the same wherever it is built."""

from __future__ import annotations

from mobileops.toolchain.pack.build import Packed, pack
from mobileops.toolchain.pack.codes import PackCode
from mobileops.toolchain.pack.plan import Plan, Planned, plan
from mobileops.toolchain.pack.vendor import dependencies, lock

__all__ = ["PackCode", "Packed", "Plan", "Planned", "dependencies", "lock", "pack", "plan"]
