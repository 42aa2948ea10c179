"""A repository read by tuf-js, an implementation of The Update Framework that shares no code with python-tuf."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from mobileops.toolchain.repository.renewal import rotate
from tests.fakes.repository import Shop, document, served

TARGET = "index/echo/versions.json"


@pytest.fixture
def shop(tmp_path):
    one = Shop(tmp_path, now=datetime.datetime.now(datetime.UTC).replace(microsecond=0))
    one.say(document("echo"), document("weather"))
    return one


@pytest.fixture
def read(shop, tmp_path):
    """Read targets with tuf-js, which has the first root; return its exit code and words."""
    known = tmp_path / "tuf-js"
    known.mkdir()
    (known / "root.json").write_bytes((shop.folder / "metadata" / "1.root.json").read_bytes())
    script = Path(os.environ["INTEROP_SERVICES"]) / "read_repository.cjs"

    def run(*targets):
        with served(shop.folder) as url:
            words = ["node", str(script), str(known), url, *targets]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


def test_tuf_js_finds_what_is_published_and_nothing_else(shop, read):
    code, found, err = read(TARGET, "search.json", "index/nobody/versions.json")
    assert (code, found[2:]) == (0, ["absent"]), err
    (published,) = shop.folder.glob("targets/index/echo/*.versions.json")
    assert Path(found[0]).read_bytes() == published.read_bytes()


@pytest.mark.parametrize("role", ["online", "root"])
def test_tuf_js_follows_a_replaced_key(shop, read, role):
    assert read(TARGET)[0] == 0
    rotate(shop.folder, shop.keys, role=role, now=shop.now)
    shop.say(document("echo", "2.0.0"))
    code, found, err = read(TARGET)
    assert code == 0, err
    assert b"2.0.0" in Path(found[0]).read_bytes()


def test_tuf_js_refuses_what_devices_refuse(shop, read):
    path = shop.folder / "metadata" / "timestamp.json"
    kept = path.read_bytes()
    timestamp = Metadata.from_file(str(path))
    timestamp.signed.version += 1
    timestamp.to_file(str(path))
    assert read(TARGET)[0] == 1
    path.write_bytes(kept)  # the control
    assert read(TARGET)[0] == 0
