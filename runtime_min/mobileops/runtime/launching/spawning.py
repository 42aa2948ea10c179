"""Which process the zygote is, and which files of this installation it gets to see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from mobileops import errors
from mobileops.runtime.isolation import rootfs
from mobileops.runtime.launching import zygote

#: What a plugin process needs of the runtime, below the directory of the ``mobileops`` namespace.
_RUNTIME_PARTS: Final = ("errors.py", "manifest", "plugin", "runtime")


def spawn(descriptors: tuple[int, int, int], noise: int) -> subprocess.Popen[bytes]:
    """Start the zygote's first life, with nothing of this process but two sockets.

    Args:
        descriptors: its ends of the control, the exits and the trees socket.
        noise: where its standard error goes until it is ready; read only when it fails.
    """
    python = os.path.realpath(sys.executable)
    return subprocess.Popen(  # noqa: S603 (our own interpreter, our own file)
        [python, "-I", "-S", "-B", zygote.__file__, *map(str, descriptors), "outside"],
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=noise,
        env=zygote.ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def contents(*, plugins: Path, data: Path) -> rootfs.RootContents:
    """Return what the zygote's file system is made of: this interpreter, the runtime's own packages, the store."""
    namespace = Path(os.path.realpath(errors.__file__)).parent
    packages = [(f"mobileops/{part}", str(namespace / part)) for part in _RUNTIME_PARTS]
    packages.append(("msgspec", os.path.realpath(Path(msgspec.__file__).parent)))
    return rootfs.RootContents(
        prefix=os.path.realpath(sys.base_prefix), packages=packages, plugins=str(plugins), data=str(data)
    )
