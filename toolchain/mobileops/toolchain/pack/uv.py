"""Run uv, which resolves and installs the dependencies of plugins."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT_S: Final = 600


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What a run of uv left: how it ended, and what it wrote."""

    ok: bool
    stdout: str
    stderr: str


def run_uv(arguments: Sequence[str], *, code: PackCode, what: str, stdin: str = "", wheels: Path | None = None) -> Run:
    """Run ``uv pip …`` for the running Python.

    Args:
        arguments: after ``uv pip``.
        code: of the error when it fails.
        what: the error's line.
        stdin: given to uv.
        wheels: a folder to take packages from instead of the index.

    Raises:
        PackagingError: uv is not there, or took longer than `TIMEOUT_S`.
    """
    try:
        # The package knows where its program is; PATH may have another or none.
        from uv import find_uv_bin  # noqa: PLC0415 - its absence is an error of ours

        program = find_uv_bin()
    except (ImportError, FileNotFoundError) as error:
        fail(code, "uv is not installed", fix="reinstall mobileops-toolchain, which brings it", cause=error)
    offline = ("--no-index", "--find-links", str(wheels)) if wheels is not None else ()
    command = [program, "pip", *arguments, "--python", sys.executable, *offline]
    try:
        done = subprocess.run(  # noqa: S603 - the program that the package brings
            command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        fail(code, f"{what}: uv took longer than {TIMEOUT_S} s", fix="check the network, then try again", cause=error)
    return Run(done.returncode == 0, done.stdout, done.stderr)
