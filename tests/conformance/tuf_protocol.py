"""The command line protocol of tuf-conformance, answered by the client that devices read repositories with.

https://github.com/theupdateframework/tuf-conformance/blob/main/CLIENT-CLI.md; only the exit code and the files count::

    --metadata-dir DIR init ROOT
    --metadata-dir DIR --metadata-url URL refresh
    --metadata-dir DIR --metadata-url URL --target-name PATH … --target-dir DIR --target-base-url URL download

The suite serves ``metadata/`` and ``targets/`` beside each other and names its folder ``metadata``, which is the layout
of a repository and of what a device keeps of it; so nothing here differs from a device but the paths.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from urllib.parse import quote

from mobileops.errors import MobileOpsError
from mobileops.runtime.repository.client import Client
from mobileops.runtime.repository.configured import Remote

MAX_TARGET_BYTES = 64 << 20


def client_of(options):
    """Return the device's client for what the suite names."""
    url = (
        options.metadata_url.rstrip("/").removesuffix("/metadata") if options.metadata_url else "http://unused.invalid"
    )
    now = datetime.datetime.now(datetime.UTC)
    return Client(Remote(name="suite", url=url), Path(options.metadata_dir).absolute().parent, now=now)


def init(options):
    """Hold on to a root."""
    root = Path(options.root).read_bytes()
    client_of(options).trust(root)
    (Path(options.metadata_dir) / "root.json").write_bytes(root)


def refresh(options):
    """Learn the present state."""
    client_of(options).refresh()


def download(options):
    """Fetch targets, in their order."""
    client = client_of(options)
    for path in options.target_name:
        data = client.target(path, limit=MAX_TARGET_BYTES)
        if data is None:
            message = f"there is no target {path!r}"
            raise LookupError(message)
        place = Path(options.target_dir) / quote(path, safe="")
        if not place.exists() or place.read_bytes() != data:  # the suite looks at when files were written
            place.write_bytes(data)


def main(words):
    """Do what the suite asks; exit code 1 for every refusal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--metadata-url")
    parser.add_argument("--metadata-dir", required=True)
    parser.add_argument("--target-name", action="append")
    parser.add_argument("--target-dir")
    parser.add_argument("--target-base-url")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("init").add_argument("root")
    acts.add_parser("refresh")
    acts.add_parser("download")
    options = parser.parse_args(words)
    try:
        {"init": init, "refresh": refresh, "download": download}[options.act](options)
    except (MobileOpsError, LookupError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
