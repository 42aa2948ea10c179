"""Pack one folder and print the digests: run on several processors, the lines must be equal but for the last digest.

The last one is the control: it is of igzip, a compressor whose bytes depend on the processor. Where it differs, the
emulator did take other paths through the code, and the equality of the others means something.

Usage: ``python .ci/same_bytes.py make FOLDER``, then ``python .ci/same_bytes.py pack FOLDER OUT`` on each processor.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Final

from isal import isal_zlib

from mobileops.toolchain.pack import pack

_MANIFEST: Final = {
    "name": "same-bytes",
    "version": "1.0.0",
    "description": "Every path through the compressors",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
_SMALL_BYTES: Final = (0, 31, 33, 100, 4096, 4097, 65_535, 65_536, 300_000)
_LARGE_BYTES: Final = (3 << 20) + 12_345
_IGZIP_LEVELS: Final = (0, 1, 2, 3)


def make(folder: Path) -> None:
    """Write a plugin with small and large files of every kind that the packer tells apart."""
    dice = random.Random(20_260_101)  # noqa: S311 - a seeded generator is the point
    words = ["".join(dice.choices("etaoinshrdlucmfwyp", k=dice.randint(2, 11))) for _ in range(4000)]
    text = " ".join(dice.choices(words, k=_LARGE_BYTES // 4)).encode()[:_LARGE_BYTES]
    noise = dice.randbytes(_LARGE_BYTES)
    kinds = {
        "text": text,
        "noise": noise,
        "skewed": bytes(byte & byte >> 3 & 0x1F for byte in noise),
        "zeros": bytes(_LARGE_BYTES),
        "mixed": b"".join(text[start : start + 5000] + noise[start : start + 500] for start in range(0, 1 << 20, 5000)),
    }
    (folder / "lib").mkdir(parents=True)
    (folder / "plugin.json").write_text(json.dumps(_MANIFEST), encoding="utf-8")
    (folder / "main.py").write_bytes(text[:20_000])
    for kind, data in kinds.items():
        for size in (*_SMALL_BYTES, len(data)):
            (folder / "lib" / f"{kind}-{size}.bin").write_bytes(data[:size])


def digests(folder: Path, out: Path) -> str:
    """Return one line: the digests of the bundle, of the stored bundle, and of what igzip makes of the files."""
    control = hashlib.sha256()
    for path in sorted(folder.glob("lib/*-65536.bin")):
        for level in _IGZIP_LEVELS:
            control.update(isal_zlib.compress(path.read_bytes(), level))
    packed = pack(folder, out / "packed").sha256
    stored = pack(folder, out / "stored", stored=True).sha256
    return f"{packed} {stored} {control.hexdigest()}"


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        print(digests(Path(sys.argv[2]), Path(sys.argv[3])))
