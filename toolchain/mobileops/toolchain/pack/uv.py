"""Run uv, which resolves and installs the dependencies of plugins."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT_S: Final = 600
_SHOWN_CHARACTERS: Final = 2000


def run_uv(arguments: Sequence[str], *, code: PackCode, what: str, stdin: str = "", wheels: Path | None = None) -> str:
    """Run ``uv pip …`` for the running Python and return what it printed.

    Args:
        arguments: after ``uv pip``.
        code: of the error when it fails.
        what: the error's line.
        stdin: given to uv.
        wheels: a folder to take packages from instead of the index.

    Raises:
        PackagingError: uv is not there, took longer than `TIMEOUT_S`, or failed.
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
    if done.returncode:
        why = done.stderr.strip()[-_SHOWN_CHARACTERS:]
        fail(code, what, why=why, fix="read what uv says above; change 'dependencies' or run 'mobileops lock' again")
    return done.stdout
