"""Change every byte of a small bundle to every other value, and count who accepts what.

Twice: by the strict reader alone, which knows no signature, and by ``verify``. Whatever the reader accepts is listed
with the place it lies in. Run it with ``nox -s corpus``.
"""

from __future__ import annotations

import argparse
import collections
import sys
import tempfile
import time
from pathlib import Path

from mobileops.bundle import Bundle, open_bundle
from mobileops.errors import BundleRefused, TrustRefused
from mobileops.runtime.trust import TrustPolicy, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle
from tests.fakes.hostile_archives import GOOD
from tests.fakes.plugin_folder import write_plugin

IDENTITY = "author@localhost"


def place(bundle: Bundle, position: int) -> str:
    """Return what the byte at a position belongs to."""
    for member in bundle.members:
        if position < member.data_offset:
            return "record"
        if position < member.end_offset:
            return f"data of {member.name} ({'deflate' if member.method else 'stored'})"
    return "directory"


def by_reader(data: bytes, path: Path, values: int) -> tuple[int, collections.Counter[str]]:
    """Return how many changes were tried, and place -> how many of them the reader accepted."""
    path.write_bytes(data)
    with open_bundle(path) as bundle:
        bundle.check_members()
        contents = {member.name: bundle.read(member.name, limit=1 << 20) for member in bundle.members}
        places = [place(bundle, position) for position in range(len(data))]
    accepted: collections.Counter[str] = collections.Counter()
    tried = 0
    for position, original in enumerate(data):
        for change in range(1, values + 1):
            with path.open("r+b") as stream:
                stream.seek(position)
                stream.write(bytes([original ^ change]))
            tried += 1
            try:
                with open_bundle(path) as bundle:
                    bundle.check_members()
                    same = all(bundle.read(name, limit=1 << 20) == content for name, content in contents.items())
                    accepted[f"{places[position]}, {'same' if same else 'OTHER'} content"] += 1
            except BundleRefused:
                pass
        with path.open("r+b") as stream:
            stream.seek(position)
            stream.write(bytes([original]))
    return tried, accepted


def by_verify(folder: Path, changes: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (size of the bundle, changes tried, changes accepted) of ``verify``; the unchanged bundle must pass."""
    packed = pack(write_plugin(folder / "demo"), folder)
    instance = LocalInstance.open_or_create(folder / "instance")
    sign_bundle(packed.path, signer=LocalSigner(instance, IDENTITY))
    policy = TrustPolicy.default(local_root=instance.directory / "trusted_root.json")
    verify(packed.path, policy=policy, pins={}).bundle.close()
    data = packed.path.read_bytes()
    tried = accepted = 0
    for position, original in enumerate(data):
        for change in changes:
            with packed.path.open("r+b") as stream:
                stream.seek(position)
                stream.write(bytes([original ^ change]))
            tried += 1
            try:
                verify(packed.path, policy=policy, pins={}).bundle.close()
                accepted += 1
            except (BundleRefused, TrustRefused):
                pass
        with packed.path.open("r+b") as stream:
            stream.seek(position)
            stream.write(bytes([original]))
    return len(data), tried, accepted


def main() -> int:
    """Print both counts; exit 1 when ``verify`` accepted a change, or the reader one of the content."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=255, help="how many other values of each byte the reader sees")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-corpus-") as folder:
        start = time.perf_counter()
        tried, found = by_reader(GOOD, Path(folder) / "small-1.0.0.zip", options.values)
        print(
            f"reader: {len(GOOD)} bytes, {tried} changes, {found.total()} accepted, {time.perf_counter() - start:.0f} s"
        )
        for label, count in sorted(found.items()):
            print(f"  {count} in {label}")
        start = time.perf_counter()
        size, tried, accepted = by_verify(Path(folder), (0x01, 0x80, 0xFF))
        print(f"verify: {size} bytes, {tried} changes, {accepted} accepted, {time.perf_counter() - start:.0f} s")
    return 1 if accepted or any("OTHER" in label for label in found) else 0


if __name__ == "__main__":
    sys.exit(main())
