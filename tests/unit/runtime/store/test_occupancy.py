"""Who starts a plugin and who removes it keep out of each other's way."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault, PluginError
from mobileops.runtime.store import Store, occupancy

if TYPE_CHECKING:
    from tests.unit.runtime.store.conftest import Install


def test_who_removes_waits_for_who_starts(store: Store, install: Install) -> None:
    install()
    entered, steps = threading.Event(), []

    def remove() -> None:
        entered.set()
        with occupancy.removing(store.home, ["echo", "absent"]):
            steps.append("removing")

    thread = threading.Thread(target=remove)
    with occupancy.starting(store.home, "echo"), occupancy.starting(store.home, "echo"):  # twice is no matter
        thread.start()
        assert entered.wait(60)
        steps.append("started")
    thread.join(60)
    assert steps == ["started", "removing"]


def test_who_starts_does_not_wait_for_who_removes(store: Store, install: Install) -> None:
    install()
    install("other")
    with occupancy.removing(store.home, ["echo"]):
        with pytest.raises(PluginError, match="MOP6011"), occupancy.starting(store.home, "echo"):
            pass
        with occupancy.starting(store.home, "other"), occupancy.starting(store.home, "absent"):
            pass
    with occupancy.starting(store.home, "echo"):  # the control
        pass


def test_a_lock_on_a_folder_that_another_took_the_place_of_is_none(
    store: Store, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed and installed again between the look for the folder and its lock."""
    install()
    real, opened = os.open, []

    def replaced_after_it_was_opened(path: object, *words: int, **options: int) -> int:
        descriptor = real(path, *words, **options)  # type: ignore[call-overload]
        if path == store.home.store / "echo" and not opened:
            opened.append(descriptor)
            monkeypatch.undo()
            store.uninstall("echo")
            install()
        return int(descriptor)

    monkeypatch.setattr(os, "open", replaced_after_it_was_opened)
    with (
        occupancy.removing(store.home, ["echo"]),
        pytest.raises(PluginError),
        occupancy.starting(store.home, "echo"),
    ):
        pass
    assert opened


def test_a_disk_that_refuses_the_lock_is_named(store: Store, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install()

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(HostFault, match="MOP6001"), occupancy.removing(store.home, ["echo"]):
        pass
