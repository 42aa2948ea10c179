"""`mobileops.runtime.sandboxed.debugger`: what pydevd takes for its listening socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.sandboxed import debugger
from mobileops.runtime.sandboxed.debugger import Editor, Entrance

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def let_go(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count how often the plugin is let go."""
    seen: list[str] = []
    monkeypatch.setattr(debugger, "_let_go", lambda: seen.append("let go"))
    return seen


@pytest.fixture
def manager() -> Iterator[tuple[socket.socket, Entrance]]:
    """The plugin manager's end, and the entrance at the other one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, Entrance(theirs)


def hand_in(manager: socket.socket) -> socket.socket:
    """Hand in an editor and return it."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(manager, [b"editor"], [theirs.fileno()])
    return ours


def test_an_editor_is_accepted_when_the_one_before_has_gone(
    manager: tuple[socket.socket, Entrance], let_go: list[str]
) -> None:
    control, entrance = manager
    with hand_in(control), hand_in(control) as second:
        assert entrance.first()
        first, _where = entrance.accept()
        with first:
            first.over.set()
            accepted, _where = entrance.accept()
        with accepted:
            second.sendall(b"hello")
            assert accepted.recv(100) == b"hello"


def test_the_end_of_an_editor_lets_the_plugin_go_once(let_go: list[str]) -> None:
    ours, theirs = socket.socketpair()
    with Editor(theirs.detach()) as editor:
        ours.close()
        assert [editor.recv(1), editor.recv(1)] == [b"", b""]
        assert editor.over.is_set()
    assert let_go == ["let go"]


def test_a_broken_connection_is_an_end(let_go: list[str]) -> None:
    ours, theirs = socket.socketpair()
    editor = Editor(theirs.detach())
    ours.close()
    editor.close()
    assert editor.recv(1) == b""
    assert let_go == ["let go"]


def test_without_a_plugin_manager_nobody_comes(manager: tuple[socket.socket, Entrance]) -> None:
    control, entrance = manager
    control.close()
    assert not entrance.first()
    entrance.turn_away()
    entrance.listen(1)
    entrance.close()
    assert entrance.getsockname() == ("127.0.0.1", 0)


def test_a_word_without_an_editor_is_nobody(manager: tuple[socket.socket, Entrance]) -> None:
    control, entrance = manager
    control.send(b"editor")
    assert not entrance.first()
