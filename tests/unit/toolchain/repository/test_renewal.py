"""Signing anew before anything expires, and replacing keys while devices go on."""

from __future__ import annotations

import datetime
import os
import shutil

import pytest
from tuf.api.metadata import Metadata

from mobileops.errors import NotFoundError, RefusedError
from mobileops.runtime.repository.client import Client
from mobileops.toolchain.repository.health import examine
from mobileops.toolchain.repository.renewal import ROLES, renew_if_due, resign, rotate
from tests.fakes.repository import Shop, document
from tests.unit.toolchain.repository.test_publishing import crash_at, one_after_the_other

DAY = datetime.timedelta(days=1)


@pytest.fixture
def shop(tmp_path):
    one = Shop(tmp_path)
    one.say(document("echo"))
    return one


def due(shop, days):
    return renew_if_due(shop.folder, shop.keys, now=shop.now + days * DAY)


def metadata(shop, name):
    path = max(
        shop.folder.glob(f"metadata/*{name}.json"),
        key=lambda path: int("0" + path.name.partition(".")[0]) if path.name[0].isdigit() else 0,
    )
    return Metadata.from_file(str(path)).signed


def fresh(shop):
    """Return a device that has only the first root."""
    shutil.rmtree(shop.home.repositories, ignore_errors=True)
    return shop.client()


def test_nothing_is_signed_before_half_of_its_time(shop):
    before = (shop.folder / "metadata" / "timestamp.json").read_bytes()
    assert not due(shop, 3.4)
    assert (shop.folder / "metadata" / "timestamp.json").read_bytes() == before


def test_the_timestamp_is_signed_anew_after_half_of_its_time(shop):
    assert due(shop, 3.6)
    assert not due(shop, 3.6)
    assert metadata(shop, "snapshot").version == 2
    shop.client(now=shop.now + 10 * DAY).refresh()


def test_every_role_is_signed_anew_in_its_time(shop):
    assert due(shop, 46)
    assert metadata(shop, "snapshot").expires == shop.now + 136 * DAY
    assert metadata(shop, "bin-00").version == 1
    assert due(shop, 183)
    assert metadata(shop, "bin-00").version == 2
    assert metadata(shop, "targets").expires == shop.now + 548 * DAY
    assert metadata(shop, "bin-00").expires == shop.now + 548 * DAY


def test_a_bin_expires_no_earlier_than_targets(shop):
    shop.now += 100 * DAY
    shop.say(document("other"))
    assert metadata(shop, "targets").expires == shop.now + 265 * DAY


def test_the_root_is_followed_by_the_next_if_its_key_is_here(shop):
    assert due(shop, 2 * 365)
    assert metadata(shop, "root").version == 2
    shop.client(now=shop.now + 2 * 365 * DAY).refresh()


def test_without_the_root_key_the_rest_is_signed_all_the_same(shop):
    root = metadata(shop, "root")
    shop.keys.forget(root.roles["root"].keyids[0])
    assert due(shop, 2 * 365)
    resign(shop.folder, shop.keys, now=shop.now + 2 * 365 * DAY)
    assert metadata(shop, "root").version == 1
    with pytest.raises(NotFoundError, match="MOP6121"):
        rotate(shop.folder, shop.keys, role="online")


def test_resign_signs_what_is_not_due_and_what_has_expired(shop):
    resign(shop.folder, shop.keys, now=shop.now)
    assert metadata(shop, "timestamp").version == 3
    late = shop.now + 2 * 365 * DAY
    assert examine(shop.folder, shop.keys, now=late).problems[0].startswith("expired")
    resign(shop.folder, shop.keys, now=late)
    assert examine(shop.folder, shop.keys, now=late).problems == ()
    assert shop.client(now=late).document("echo")


@pytest.mark.parametrize("role", ROLES)
def test_a_replaced_key_signs_alone_from_then_on(shop, role):
    known = shop.client()
    known.refresh()
    old = {path.stem for path in shop.keys.folder.glob("*.pem")}
    new = rotate(shop.folder, shop.keys, role=role, now=shop.now)
    now_there = {path.stem for path in shop.keys.folder.glob("*.pem")}
    assert new in now_there - old
    assert len(now_there) == 2
    roles = metadata(shop, "root").roles
    assert roles["root" if role == "root" else "timestamp"].keyids == [new]
    assert Client(shop.remote(), known.folder, now=shop.now).document("echo")
    assert fresh(shop).document("echo")
    shop.say(document("echo", "2.0.0"))
    assert shop.client().document("echo").newest.version == "2.0.0"


def test_the_old_online_key_is_worth_nothing_after_it_was_replaced(shop):
    kept = shop.root / "stolen"
    shutil.copytree(shop.keys.folder, kept)
    rotate(shop.folder, shop.keys, role="online", now=shop.now)
    path = shop.folder / "metadata" / "timestamp.json"
    timestamp = Metadata.from_file(str(path))
    (old,) = (
        name for name in (one.stem for one in kept.glob("*.pem")) if not (shop.keys.folder / f"{name}.pem").exists()
    )
    thief = shop.keys.__class__(kept).signers([old])[0]
    timestamp.signed.version += 1
    timestamp.sign(thief)
    timestamp.to_file(str(path))
    with pytest.raises(RefusedError, match="MOP6102"):
        fresh(shop).refresh()


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_rotation_killed_at_any_step_disturbs_no_device_and_goes_on(memory_folder, role, monkeypatch):
    one_after_the_other(monkeypatch)
    shop = Shop(memory_folder / role)
    shop.say(document("echo"))
    known = shop.client()
    known.refresh()
    original = known.folder.rename(shop.root / "original")
    whole, keys, step, finished = shop.folder, shop.keys, 0, False
    while not finished:
        shop.folder, shop.keys = shop.root / "crashed", keys.__class__(shop.root / "crashed-keys")
        shutil.copytree(whole, shop.folder, copy_function=os.link)  # who changes a file replaces it
        shutil.copytree(keys.folder, shop.keys.folder)
        finished = crash_at(step, lambda: rotate(shop.folder, shop.keys, role=role, now=shop.now))
        device = shop.root / "device"
        shutil.copytree(original, device)
        assert Client(shop.remote(), device, now=shop.now).document("echo")
        assert fresh(shop).document("echo")
        rotate(shop.folder, shop.keys, role=role, now=shop.now)
        assert Client(shop.remote(), device, now=shop.now).document("echo")
        assert fresh(shop).document("echo")
        for folder in (shop.folder, shop.keys.folder, device):
            shutil.rmtree(folder)
        step += 1
    assert step > (30 if role == "online" else 15)


def test_an_account_without_keys_signs_nothing(shop, tmp_path):
    with pytest.raises(NotFoundError, match="MOP6121"):
        renew_if_due(shop.folder, shop.keys.__class__(tmp_path / "none"), now=shop.now + 5 * DAY)
