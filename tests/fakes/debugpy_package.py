"""A package in debugpy's place that waits for editors as pydevd does, and answers each line that one sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LISTEN: Final = """
import os, threading
import pydevd

def listen(address, in_process_debug_adapter):
    assert in_process_debug_adapter
    entrance = pydevd.create_server_socket(*address)
    assert entrance.getsockname() == address
    threading.Thread(target=serve, args=(entrance,), daemon=True).start()

def serve(entrance):
    while True:
        entrance.listen(1)
        editor, _where = entrance.accept()
        while data := editor.recv(100):
            editor.sendall(b"heard " + data)
        editor.close()
"""
PYDEVD: Final = """
import sys, types

sys.modules["pydevd"] = types.ModuleType("pydevd")
constants = types.ModuleType("_pydevd_bundle.pydevd_constants")
constants.get_global_debugger = lambda: constants
api = types.ModuleType("_pydevd_bundle.pydevd_api")
class PyDevdAPI:
    def request_disconnect(self, debugger, resume_threads):
        print("let go", debugger is constants, resume_threads, flush=True)
api.PyDevdAPI = PyDevdAPI
sys.modules |= {"_pydevd_bundle": types.ModuleType("_pydevd_bundle")}
sys.modules |= {"_pydevd_bundle.pydevd_constants": constants, "_pydevd_bundle.pydevd_api": api}
"""


def write_debugpy(folder: Path, *, listen: str = LISTEN) -> Path:
    """Write the package and return its folder."""
    package = folder / "debugpy"
    (package / "server").mkdir(parents=True)
    (package / "server" / "__init__.py").write_text(PYDEVD)
    init = (
        "def listen(*words, **options):\n    from debugpy import listening\n    listening.listen(*words, **options)\n"
    )
    (package / "__init__.py").write_text(init)
    (package / "listening.py").write_text(listen)
    return package
