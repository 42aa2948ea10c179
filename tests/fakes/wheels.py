"""Make wheels for a test, and a folder that uv takes them from instead of an index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str] | None = None,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    headers: Sequence[str] = (),
    entry_points: str = "",
) -> Path:
    """Write a wheel with entry points; without any a console script, so that the installer fills bin/."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]
    content = {
        **(files or {f"{name}/__init__.py": f"VERSION = {version!r}\n"}),
        f"{info}/METADATA": "".join(f"{line}\n" for line in (*lines, *(f"Requires-Dist: {one}" for one in requires))),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": entry_points or f"[console_scripts]\n{name}-script = {name}:main\n",
        f"{info}/licenses/LICENSE": "Public domain\n",
    }
    rows = []
    for path, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}\n")
    content[f"{info}/RECORD"] = "".join(rows) + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in content.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    return path
