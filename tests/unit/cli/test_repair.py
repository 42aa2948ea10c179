"""doctor --repair: what a publisher signed is fetched again, and only the same bytes are taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.home import Home
from mobileops.runtime.store import Accepted, Store
from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import trusted_key
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def install(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Return what installs a plugin without its permissions, and returns the bundle."""
    key = trusted_key(home, tmp_path)

    def run(**plugin: Any) -> Path:
        publisher, store = Publisher(home, tmp_path), Store(home)
        bundle = publisher.publish_as(KeySigner(key), "app", permissions=["network.http"], **plugin)
        with store.staged(bundle, verify=publisher.decision()) as staged:
            store.commit([Accepted(staged, granted=(), requested=False)])
        return bundle

    return run


def repaired(mobileops: Run, *words: str) -> tuple[list[Any], str]:
    _code, out, err = mobileops("doctor", "--json", *words)  # the exit code is about the host, too
    return as_published("doctor", out)["store"], err


@pytest.mark.parametrize("what", ["file", "signature", "everything"])
def test_what_a_publisher_signed_is_fetched_again(
    mobileops: Run, home: Home, install: Callable[..., Path], what: str
) -> None:
    bundle, store = install(), Store(home)
    assert mobileops("publish", str(bundle))[0] == 0
    bundle.unlink()
    before = store.get("app")
    if what != "signature":
        (store.folder(before) / "main.py").write_text("half")
    if what != "file":
        store.signature(before).unlink()
    (found,), _err = repaired(mobileops)
    assert (found["mended"], "--repair fetches" in found["fix"]) == (False, True)
    (found,), err = repaired(mobileops, "--repair")
    assert (found["mended"], "fetched app 1.0.0 again" in err) == (True, True)
    after = store.get("app")
    store.check(after)
    assert (after.sha256, after.granted, after.requested) == (before.sha256, (), False)
    assert store.signature(after).exists()
    assert repaired(mobileops) == ([], "")


def test_other_bytes_of_the_same_version_are_not_taken(
    mobileops: Run, home: Home, install: Callable[..., Path], tmp_path: Path
) -> None:
    """The attack: who can have a version built again must not get it in by breaking the installed one."""
    bundle, store = install(), Store(home)
    kept = (bundle, tmp_path / "kept.zip")
    kept[1].write_bytes(bundle.read_bytes())
    Publisher(home, tmp_path / "other").publish("app", permissions=["network.http"], description="Other words")
    other = tmp_path / "other" / "dist" / bundle.name
    other.replace(bundle)
    before = store.get("app")
    (store.folder(before) / "main.py").write_text("half")
    (found,), err = repaired(mobileops, "--repair")
    assert (found["mended"], "MOP6012" in err, before.sha256 in err) == (False, True, True)
    assert store.get("app") == before
    kept[1].replace(bundle)
    (found,), _err = repaired(mobileops, "--repair")  # the control
    assert found["mended"] is True


def test_what_nobody_has_is_said_plainly(mobileops: Run, home: Home, install: Callable[..., Path]) -> None:
    install().unlink()
    store = Store(home)
    (store.folder(store.get("app")) / "main.py").write_text("half")
    (found,), err = repaired(mobileops, "--repair")
    assert (found["mended"], "mobileops install FILE" in err) == (False, True)
    assert "--repair" in mobileops("doctor")[2]
