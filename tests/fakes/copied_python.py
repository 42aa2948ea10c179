"""A copy of the Python that runs the tests, for whoever may not enter the folder that it is installed in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

UNUSED: Final = ("test", "idlelib", "turtledemo", "site-packages", "dist-packages", "config-*")
BESIDE: Final = b"$ORIGIN/../lib\0"
"""See ld.so(8): the folder of libraries as seen from the folder of the program."""


def copy_python(target: Path) -> Path:
    """Copy the program, the standard library and libpython into a folder that everybody may read.

    Args:
        target: an empty folder.

    Returns:
        The program's path in there.
    """
    base = Path(sys.base_prefix).resolve()
    program, library = (Path(path).resolve() for path in (sys.executable, sysconfig.get_path("stdlib")))
    copied = target / program.relative_to(base)
    copied.parent.mkdir()
    shutil.copy(program, copied)
    shutil.copytree(library, target / library.relative_to(base), ignore=shutil.ignore_patterns(*UNUSED))
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        shared = Path(sysconfig.get_config_var("LIBDIR"))
        shutil.copy(shared / sysconfig.get_config_var("INSTSONAME"), target / "lib")
        _look_beside(copied, os.fsencode(shared) + b"\0")
    subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    return copied


def _look_beside(program: Path, libraries: bytes) -> None:
    """Have a program look for libpython in the copy; the text in its RUNPATH has room for a shorter one."""
    if len(libraries) >= len(BESIDE):
        program.write_bytes(program.read_bytes().replace(libraries, BESIDE.ljust(len(libraries), b"\0")))
