from __future__ import annotations

import base64
import errno
import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization as encoding
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509 import load_der_x509_certificate
from sigstore.errors import VerificationError

from mobileops.errors import HostFault
from mobileops.toolchain.sign import LocalInstance, storage
from mobileops.toolchain.sign.local import utc_now


def entry_of(bundle):
    return json.loads(bundle)["verificationMaterial"]["tlogEntries"][0]


def refused(call, *arguments, **keywords):
    with pytest.raises(HostFault) as caught:
        call(*arguments, **keywords)
    return caught.value.code


def test_unmodified_sigstore_accepts_what_the_instance_signs(instance, stock_verify):
    bundle = instance.sign_statement(b'{"a":1}', identity="dev@localhost")
    assert stock_verify(bundle) == ("application/vnd.in-toto+json", b'{"a":1}')


def test_unmodified_sigstore_accepts_every_place_in_the_log(instance, stock_verify):
    for number in range(9):
        bundle = instance.sign_statement(b"%d" % number, identity="dev@localhost")
        assert stock_verify(bundle)[1] == b"%d" % number
        assert entry_of(bundle)["logIndex"] == str(number)


def test_unmodified_sigstore_accepts_the_time_stamp_without_the_logs_promise(instance, stock_verify):
    document = json.loads(instance.sign_statement(b"s", identity="dev@localhost"))
    entry = document["verificationMaterial"]["tlogEntries"][0]
    del entry["integratedTime"], entry["inclusionPromise"]
    assert stock_verify(json.dumps(document))[1] == b"s"


def test_unmodified_sigstore_accepts_the_logs_promise_without_the_time_stamp(instance, stock_verify):
    document = json.loads(instance.sign_statement(b"s", identity="dev@localhost"))
    del document["verificationMaterial"]["timestampVerificationData"]
    assert stock_verify(json.dumps(document))[1] == b"s"


def test_the_identity_and_the_issuer_stand_in_the_certificate(instance, stock_verify):
    bundle = instance.sign_statement(b"s", identity="https://example.org/team")
    stock_verify(bundle, identity="https://example.org/team")
    for wrong in ({"identity": "dev@localhost"}, {"identity": "https://example.org/team", "issuer": "https://x"}):
        with pytest.raises(VerificationError):
            stock_verify(bundle, **wrong)


def test_another_instance_is_not_trusted(instance, stock_verify, tmp_path):
    other = LocalInstance.open_or_create(tmp_path / "other")
    assert other.issuer != instance.issuer
    with pytest.raises(VerificationError):
        stock_verify(other.sign_statement(b"s", identity="dev@localhost"), issuer=other.issuer)


def test_every_signature_has_its_own_key(instance):
    first, second = (
        json.loads(instance.sign_statement(b"s", identity="dev@localhost"))["verificationMaterial"]["certificate"]
        for _ in range(2)
    )
    assert first != second


def test_a_certificate_is_valid_for_ten_minutes(instance):
    document = json.loads(instance.sign_statement(b"s", identity="dev@localhost"))
    raw = base64.b64decode(document["verificationMaterial"]["certificate"]["rawBytes"])
    certificate = load_der_x509_certificate(raw)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(minutes=10)


def test_opening_again_continues_the_same_log(instance, stock_verify):
    instance.sign_statement(b"0", identity="dev@localhost")
    again = LocalInstance.open_or_create(instance.directory)
    bundle = again.sign_statement(b"1", identity="dev@localhost")
    assert again.issuer == instance.issuer
    assert entry_of(bundle)["logIndex"] == "1"
    assert stock_verify(bundle)[1] == b"1"


def test_signers_at_the_same_time_get_different_places_in_the_log(instance, stock_verify):
    bundles = []

    def work():
        mine = LocalInstance.open_or_create(instance.directory)
        bundles.extend(mine.sign_statement(b"s", identity="dev@localhost") for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(entry_of(bundle)["logIndex"]) for bundle in bundles) == list(range(20))
    for bundle in bundles:
        stock_verify(bundle)


def test_nobody_else_can_read_the_keys(tmp_path):
    before = os.umask(0)
    try:
        instance = LocalInstance.open_or_create(tmp_path / "deep" / "instance")
    finally:
        os.umask(before)
    assert stat.S_IMODE(instance.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in instance.directory.iterdir()} == {0o600}


@pytest.mark.parametrize("name", [".", "ca.key", "tsa.key", "ctlog.key", "rekor.key"])
def test_keys_that_others_can_read_are_refused(instance, name):
    path = instance.directory / name
    path.chmod(path.stat().st_mode | 0o040)
    assert refused(LocalInstance.open_or_create, instance.directory) == "MOP3203"


def test_a_key_that_is_a_link_is_refused(instance, tmp_path):
    key = instance.directory / "ca.key"
    key.rename(tmp_path / "elsewhere.key")
    key.symlink_to(tmp_path / "elsewhere.key")
    assert refused(LocalInstance.open_or_create, instance.directory) == "MOP3203"


def test_an_interrupted_creation_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "_put_in_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LocalInstance.open_or_create(tmp_path / "instance")
    assert list(tmp_path.iterdir()) == []


def test_of_two_creations_at_once_the_first_stays(instance, tmp_path):
    issuer = instance.issuer
    storage.create(instance.directory, now=utc_now())
    assert LocalInstance.open_or_create(instance.directory).issuer == issuer
    assert [path.name for path in tmp_path.iterdir()] == ["instance"]


def test_an_empty_directory_becomes_an_instance(tmp_path):
    (tmp_path / "instance").mkdir(mode=0o755)
    instance = LocalInstance.open_or_create(tmp_path / "instance")
    assert stat.S_IMODE(instance.directory.stat().st_mode) == 0o700


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    assert refused(LocalInstance.open_or_create, tmp_path / "photos") == "MOP3204"
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "cat.jpg"]


def test_a_place_that_cannot_hold_a_directory_is_a_fault_of_the_host(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for place in (tmp_path / "file" / "instance", tmp_path / "link", tmp_path / ("n" * 300)):
        assert refused(LocalInstance.open_or_create, place) == "MOP3202"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_missing_key_is_named(instance):
    (instance.directory / "tsa.key").unlink()
    with pytest.raises(HostFault, match=r"tsa\.key") as caught:
        LocalInstance.open_or_create(instance.directory)
    assert caught.value.code == "MOP3202"


def swap_keys(directory):
    (directory / "ca.key").write_bytes((directory / "tsa.key").read_bytes())


def foreign_key_type(directory):
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(encoding.Encoding.PEM, encoding.PrivateFormat.PKCS8, encoding.NoEncryption())
    (directory / "ctlog.key").write_bytes(pem)


def overwrite(name, text):
    return pytest.param(lambda directory: (directory / name).write_text(text), id=f"{name} is {text}")


@pytest.mark.parametrize(
    "damage",
    [
        overwrite("instance.json", "{"),
        overwrite("instance.json", "[]"),
        overwrite("instance.json", '{"version": 2}'),
        overwrite("ca.pem", "no certificate"),
        overwrite("rekor.key", "no key"),
        swap_keys,
        foreign_key_type,
    ],
)
def test_a_damaged_instance_is_refused(instance, damage):
    damage(instance.directory)
    assert refused(LocalInstance.open_or_create, instance.directory) == "MOP3204"


@pytest.mark.parametrize("days", [-1, 4000])
def test_a_clock_outside_the_instances_validity_is_refused(tmp_path, days):
    start = datetime(2026, 11, 22, tzinfo=UTC)
    LocalInstance.open_or_create(tmp_path / "instance", clock=lambda: start)
    later = LocalInstance.open_or_create(tmp_path / "instance", clock=lambda: start + timedelta(days=days))
    assert refused(later.sign_statement, b"s", identity="dev@localhost") == "MOP3205"


def test_a_full_disk_makes_no_signature(instance, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert refused(instance.sign_statement, b"s", identity="dev@localhost") == "MOP3206"


def test_the_exported_root_is_the_file_in_the_directory(instance):
    assert instance.trusted_root_json() == (instance.directory / "trusted_root.json").read_bytes()
