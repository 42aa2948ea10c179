"""The policy of a home never goes back to an older edition."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.home import Home
from mobileops.runtime.trust import anchors, host, load_policy, public_root


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").prepare()


def install(home, serial=None, **more):
    document = {"version": 1, "roots": {"public": {"public_instance": True, "assurance": "public"}}} | more
    home.trust_policy.write_text(json.dumps(document | ({} if serial is None else {"serial": serial})))


def refused(home):
    with pytest.raises(TrustRefused) as caught:
        load_policy(home)
    return caught.value.code


def test_a_newer_policy_is_taken_and_an_older_one_refused(home):
    for serial in (3, 3, 4):
        install(home, serial)
        assert load_policy(home).rules.serial == serial
    install(home, 3)
    assert refused(home) == "MOP3108"
    home.trust_state.unlink()  # control: without the record the old policy is taken
    load_policy(home)


def test_a_higher_serial_that_was_recorded_meanwhile_is_not_taken_back(home, monkeypatch):
    locked = host.durable.locked

    @contextmanager
    def late(path):
        home.trust_state.write_text('{"serial": 9}')
        with locked(path):
            yield

    install(home, 3)
    monkeypatch.setattr(host.durable, "locked", late)
    load_policy(home)
    assert refused(home) == "MOP3108"


def test_a_policy_without_serial_and_no_policy_at_all_are_older_than_one_with(home):
    load_policy(home)
    install(home)
    load_policy(home)
    install(home, 1)
    load_policy(home)
    install(home)
    assert refused(home) == "MOP3108"
    home.trust_policy.unlink()
    assert refused(home) == "MOP3108"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"serial":"9"}', b'{"serial":true}', b'{"serial":-1}', b"\xff"]
)
def test_a_damaged_record_is_refused_and_not_taken_for_none(home, content):
    install(home, 5)
    home.trust_state.write_bytes(content)
    assert refused(home) == "MOP3131"


def test_the_refreshed_root_takes_the_place_of_the_one_that_ships(home):
    install(home)
    assert load_policy(home).rules.roots[0].trusted_root == public_root.PATH
    home.public_root.write_text("{}")
    assert load_policy(home).rules.roots[0].trusted_root == home.public_root


def test_a_root_draws_a_warning_when_it_gets_old(home):
    install(home, max_root_age_days=180)
    ((text, since),) = anchors.age_warnings(load_policy(home).rules).items()
    assert "2026-06-01" in text
    assert "trust update" in text
    assert datetime.fromtimestamp(since, UTC).date().isoformat() == "2026-11-28"


def test_the_age_of_a_pinned_file_is_that_of_its_last_change(home):
    (home.root / "corp.json").write_text("{}")
    os.utime(home.root / "corp.json", (1_700_000_000, 1_700_000_000))
    roots = {
        "corp": {"trusted_root": "corp.json", "assurance": "private"},
        "gone": {"trusted_root": "gone.json", "assurance": "private"},
        "own": {"local_instance": True, "assurance": "local"},
    }
    install(home, roots=roots, max_root_age_days=1)
    ((text, since),) = anchors.age_warnings(load_policy(home).rules).items()
    assert "'corp'" in text
    assert since == 1_700_000_000 + 86400


def test_without_a_bound_nothing_is_said_about_age(home):
    install(home)
    assert anchors.age_warnings(load_policy(home).rules) == {}
