"""Private copies of bundles: what may be copied, whatever its name stood for a moment before."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from mobileops.errors import NotFoundError
from mobileops.runtime.store import staging


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def place(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "loop", "nothing"])
def test_a_bundle_that_is_no_file_is_refused_and_not_waited_for(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bundle, said = tmp_path / "echo-1.0.0.zip", []
    place(kind, bundle)

    def copy() -> None:
        with pytest.raises(NotFoundError) as caught:
            staging.copy_in(bundle, into)
        said.append(caught.value.code)

    monkeypatch.setattr(Path, "is_file", lambda _path: True)  # it was one a moment before
    copying = threading.Thread(target=copy, daemon=True)
    copying.start()
    copying.join(30)
    if copying.is_alive():
        os.close(os.open(bundle, os.O_RDWR | os.O_NONBLOCK))  # let it go on
        copying.join(30)
        pytest.fail("it waited for a writer")
    assert (said, list(into.iterdir())) == (["MOP6005"], [])


@pytest.mark.parametrize("kind", ["pipe", "nothing"])
def test_a_signature_that_is_no_file_is_none(tmp_path: Path, into: Path, kind: str) -> None:
    bundle = tmp_path / "echo-1.0.0.zip"
    bundle.write_bytes(b"bundle")
    place(kind, tmp_path / "echo-1.0.0.zip.sigstore.json")
    copy, signature = staging.copy_in(bundle, into)
    assert (copy.read_bytes(), signature.exists()) == (b"bundle", False)


def test_a_link_stands_for_what_is_behind_it(tmp_path: Path, into: Path) -> None:
    (tmp_path / "echo-1.0.0.zip").write_bytes(b"bundle")
    (tmp_path / "latest.zip").symlink_to("echo-1.0.0.zip")
    (tmp_path / "latest.zip.sigstore.json").write_bytes(b"signature")
    copy, signature = staging.copy_in(tmp_path / "latest.zip", into)
    assert (copy.read_bytes(), signature.read_bytes()) == (b"bundle", b"signature")
