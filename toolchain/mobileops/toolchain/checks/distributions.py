"""Which modules a dependency brings: from its metadata where it is installed, from a short table, or by its name.

A package's name and the name to import are two things (``pyyaml`` brings ``yaml``). The metadata of an installed
package knows for certain; it is looked for in the plugin's ``vendor`` and in a virtual environment in its folder, and
nowhere else, so that the answer does not depend on the machine that asks.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from pathlib import Path

MAX_INSTALLED: Final = 5000  # entries of one folder that are looked at
MAX_METADATA_LINES: Final = 20_000

# Normal name -> modules, for packages whose name is not that of their module.
_DIFFERENT: Final[dict[str, tuple[str, ...]]] = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "faiss-cpu": ("faiss",),
    "gitpython": ("git",),
    "grpcio": ("grpc",),
    "msgpack-python": ("msgpack",),
    "mysqlclient": ("MySQLdb",),
    "opencv-contrib-python": ("cv2",),
    "opencv-contrib-python-headless": ("cv2",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "paho-mqtt": ("paho",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "psycopg2-binary": ("psycopg2",),
    "pycryptodome": ("Crypto",),
    "pycryptodomex": ("Cryptodome",),
    "pyjwt": ("jwt",),
    "pymupdf": ("fitz", "pymupdf"),
    "pynacl": ("nacl",),
    "pyopenssl": ("OpenSSL",),
    "pyserial": ("serial",),
    "python-dateutil": ("dateutil",),
    "python-dotenv": ("dotenv",),
    "python-jose": ("jose",),
    "python-magic": ("magic",),
    "python-multipart": ("multipart", "python_multipart"),
    "pyusb": ("usb",),
    "pyyaml": ("yaml",),
    "pyzmq": ("zmq",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "setuptools": ("setuptools", "pkg_resources"),
    "typing-extensions": ("typing_extensions",),
    "websocket-client": ("websocket",),
}
# Packages whose module has their name: that they bring no other is worth knowing too.
_SAME: Final = frozenset(
    {
        *("aiohttp", "anyio", "boto3", "bleak", "certifi", "cffi", "click", "cryptography", "django", "fastapi"),
        *("flask", "h5py", "httpx", "idna", "jinja2", "jsonschema", "keras", "lxml", "matplotlib", "msgpack"),
        *("msgspec", "networkx", "numba", "numpy", "onnx", "onnxruntime", "orjson", "packaging", "pandas"),
        *("paramiko", "polars", "psutil", "pyarrow", "pydantic", "pymysql", "pytest", "redis", "requests", "rich"),
        *("scipy", "shapely", "six", "sqlalchemy", "structlog", "sympy", "tensorflow", "tokenizers", "torch"),
        *("torchvision", "tornado", "tqdm", "transformers", "trio", "urllib3", "uvicorn", "websockets", "xgboost"),
    }
)


def normal(name: str) -> str:
    """Return a package's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str | None:
    """Return the normal name of the package that a requirement (PEP 508, or a line of requirements.txt) is about."""
    found = re.match(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)", requirement)
    return normal(found[1]) if found else None


class Distributions:
    """What is known of the packages of one plugin.

    Args:
        folder: the plugin's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def modules(self, name: str) -> frozenset[str] | None:
        """Return the first parts of the modules that a package brings, None when that is not known.

        Args:
            name: of the package, in normal form.
        """
        if name in self._installed:
            return self._from_metadata(self._installed[name])
        if name in _DIFFERENT:
            return frozenset(_DIFFERENT[name])
        return frozenset({name}) if name in _SAME else None

    def brings(self, name: str, module: str) -> bool:
        """Whether a package brings a module, for certain or by its name.

        Args:
            name: of the package, in normal form.
            module: dotted name of the module.
        """
        top = module.partition(".")[0]
        known = self.modules(name)
        if known is not None:
            return top in known
        parts = normal(module).split("-")
        guesses = {"-".join(parts[: end + 1]) for end in range(len(parts))} | {normal(top)}
        guesses |= {f"python-{normal(top)}", f"py{normal(top)}", f"{normal(top)}-python", f"py-{normal(top)}"}
        return name in guesses

    @functools.cached_property
    def _installed(self) -> dict[str, str]:
        """Normal name -> folder of the metadata, relative to the plugin's."""
        found: dict[str, str] = {}
        for place in ("vendor", *_site_folders(self._folder)):
            for entry in _listed(self._folder / place):
                if entry.endswith(".dist-info"):
                    found.setdefault(normal(entry.removesuffix(".dist-info").rpartition("-")[0]), f"{place}/{entry}")
        return found

    def _from_metadata(self, info: str) -> frozenset[str] | None:
        text = files.read_text(self._folder, f"{info}/top_level.txt")
        if not isinstance(text, Unreadable) and text.strip():
            return frozenset(text.split()[:MAX_METADATA_LINES])
        text = files.read_text(self._folder, f"{info}/RECORD")
        if isinstance(text, Unreadable):
            return None
        paths = [line.partition(",")[0] for line in text.splitlines()[:MAX_METADATA_LINES]]
        return frozenset(re.split(r"[/.]", path)[0] for path in paths if path.endswith((".py", ".so")))


def _site_folders(folder: Path) -> list[str]:
    return [
        f"{environment}/lib/{python}/site-packages"
        for environment in (".venv", "venv")
        for python in _listed(folder / environment / "lib")
        if python.startswith("python")
    ]


def _listed(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none if it cannot be listed or is a link."""
    try:
        if folder.is_symlink():
            return []
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(MAX_INSTALLED), strict=False))
    except (OSError, ValueError):
        return []
