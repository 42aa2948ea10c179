"""Bring a plugin's manifest to the newest format of the schema, touching nothing that need not change."""

from __future__ import annotations

from mobileops.toolchain.migrate.registry import MIGRATIONS, Migration
from mobileops.toolchain.migrate.run import Migrated, plan, write

__all__ = ["MIGRATIONS", "Migrated", "Migration", "plan", "write"]
