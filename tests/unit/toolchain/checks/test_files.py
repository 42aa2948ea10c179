"""Reading files of a folder that somebody else filled."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from pathlib import Path


def refusal(folder: Path, name: str) -> str:
    outcome = files.read_text(folder, name)
    assert isinstance(outcome, Unreadable), outcome
    return outcome.reason


def test_a_file_in_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "a.py").write_text("é", encoding="utf-8")
    assert files.read_text(tmp_path, "hooks/a.py") == "é"


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "", ".", "a\0b", "a\ud800b"])
def test_a_name_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "plugin"
    inner.mkdir()
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    assert "is not inside" in refusal(inner, name)


@pytest.mark.parametrize("name", ["link/secret", "file"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "plugin"
    inner.mkdir()
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (inner / "link").symlink_to(tmp_path)
    (inner / "file").symlink_to(tmp_path / "secret")
    assert (inner / name).read_text(encoding="utf-8") == "x"  # the control: it works for a reader that follows links
    assert "a symbolic link" in refusal(inner, name)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a named pipe" in refusal(tmp_path, "pipe")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # socket addresses are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("here")
        assert "a socket" in refusal(tmp_path, "here")


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"x" * files.MAX_FILE_BYTES)
    (tmp_path / "over").write_bytes(b"x" * (files.MAX_FILE_BYTES + 1))
    assert files.read_bytes(tmp_path, "full") == b"x" * files.MAX_FILE_BYTES
    assert "is larger than" in refusal(tmp_path, "over")


def test_what_is_not_utf8_is_refused_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    assert "byte 3 is 0xe9" in refusal(tmp_path, "latin")


@pytest.mark.parametrize("name", ["none", "none/below", "file/below"])
def test_an_absent_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path, name)


def test_a_name_too_long_for_the_file_system_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path, "n" * 300)
