"""A home, an author who publishes to it, and what is installed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.home import Home
from mobileops.runtime.receipts import Receipt
from mobileops.runtime.store import Store
from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import trusted_key
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

Install = Callable[..., Receipt]


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path)


@pytest.fixture
def store(publisher: Publisher) -> Store:
    return Store(publisher.home)


@pytest.fixture
def install(store: Store, publisher: Publisher, tmp_path: Path) -> Install:
    """Return what installs a plugin that is signed with a key, which takes no time."""
    key = trusted_key(publisher.home, tmp_path)

    def run(name: str = "echo", **plugin: Any) -> Receipt:
        return store.install(publisher.publish_as(KeySigner(key), name, **plugin), verify=publisher.decision())

    return run
