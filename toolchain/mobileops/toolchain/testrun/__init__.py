"""Run a plugin's own tests in a process of their own."""

from __future__ import annotations

from mobileops.toolchain.testrun.run import TIMEOUT_S, TestRun, Wishes, judged, run_tests

__all__ = ["TIMEOUT_S", "TestRun", "Wishes", "judged", "run_tests"]
