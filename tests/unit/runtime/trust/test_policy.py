from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import TrustRefused
from mobileops.manifest.permissions import Permission
from mobileops.runtime.trust import Pin, Signer, TrustPolicy

SCHEMA = json.loads((Path(__file__).parents[4] / "schema/trust/v1/policy.schema.json").read_text())
LOCAL = {"local_instance": True, "assurance": "local"}
CORP = {"trusted_root": "roots/corp.json", "assurance": "private"}
RULE = {"plugins": ["acme-*"], "root": "corp", "issuer": "https://login.corp", "identity": "ci@corp"}


def policy(**changes):
    return {"version": 1, "roots": {"dev": LOCAL, "corp": CORP}, "publishers": [RULE]} | changes


@pytest.fixture
def load(tmp_path):
    def load_document(document):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        (tmp_path / "trust.json").write_bytes(data)
        return TrustPolicy.load(tmp_path / "trust.json", local_root=tmp_path / "local" / "trusted_root.json")

    return load_document


def refused(load, document):
    with pytest.raises(TrustRefused) as caught:
        load(document)
    assert caught.value.outcome == "untrusted"
    return caught.value.code


def schema_accepts(document):
    return not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def test_without_a_file_the_own_local_instance_is_the_only_root(tmp_path):
    local_root = tmp_path / "trusted_root.json"
    found = TrustPolicy.load(tmp_path / "trust.json", local_root=local_root)
    assert found == TrustPolicy.default(local_root=local_root)
    (root,) = found.rules.roots
    assert (root.name, root.trusted_root, root.assurance, root.optional) == ("local", local_root, "local", True)
    assert found.rules.publishers == ()


def test_a_file_replaces_the_default_as_a_whole(load, tmp_path):
    (root,) = load(policy(roots={"corp": CORP})).rules.roots
    assert (root.name, root.trusted_root, root.optional) == ("corp", tmp_path / "roots/corp.json", False)


def test_every_key_of_the_format_is_read(load):
    rule = RULE | {"max_permissions": ["network.http"]}
    document = policy(publishers=[rule], revoked={"sha256": ["a" * 64]}, unsigned="deny")
    found = load(document).rules
    assert [root.name for root in found.roots] == ["dev", "corp"]
    assert found.publishers[0].max_permissions == (Permission.parse("network.http"),)
    assert found.revoked_sha256 == {"a" * 64}
    assert schema_accepts(document)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("acme", None),
        ("acme-", "ci"),
        ("acme-pay", "pay"),
        ("acme-pay-x", "pay"),
        ("acme-payroll", "exact"),
        ("b", None),
    ],
)
def test_the_closest_rule_owns_a_name(load, name, identity):
    rules = [
        RULE | {"identity": "ci"},
        RULE | {"plugins": ["acme-pay*"], "identity": "pay"},
        RULE | {"plugins": ["x", "acme-payroll"], "identity": "exact"},
    ]
    owner = load(policy(publishers=rules)).publisher_of(name)
    assert (owner and owner.identity) == identity


def test_a_lone_asterisk_owns_what_no_other_rule_does(load):
    found = load(policy(publishers=[RULE, RULE | {"plugins": ["*"], "identity": "rest"}]))
    assert found.publisher_of("anything").identity == "rest"
    assert found.publisher_of("acme-x").identity == "ci@corp"


@given(st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True))
def test_a_prefix_rule_fits_exactly_the_names_that_begin_with_it(prefix, name):
    from mobileops.runtime.trust.rules import Publisher  # noqa: PLC0415 - the value under test

    rule = Publisher((f"{prefix}*",), "r", "i", "s")
    assert bool(rule.weight(name)) == name.startswith(prefix)


@pytest.mark.parametrize(
    "document",
    [
        policy(publisher=[]),
        policy(max_root_age_days=180),
        policy(roots={"dev": LOCAL | {"extra": 1}, "corp": CORP}),
        policy(publishers=[RULE | {"repository": "acme/plugins"}]),
        policy(publishers=[RULE | {"max_permission": []}]),
        policy(revoked={"sha256": [], "key_hints": []}),
    ],
    ids=["misspelt", "later", "root", "repository", "misspelt restriction", "revocation"],
)
def test_an_unknown_key_is_refused_and_not_ignored(load, document):
    assert refused(load, document) == "MOP3102"
    assert not schema_accepts(document)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"roots": {}},
        policy(version=2),
        policy(version=True),
        policy(version="1"),
        policy(unsigned="allow"),
        policy(roots=[]),
        policy(roots={"Corp": CORP, "corp": CORP}),
        policy(roots={"corp": {"trusted_root": "x"}}),
        policy(roots={"corp": CORP | {"assurance": "high"}}),
        policy(roots={"corp": CORP | {"assurance": []}}),
        policy(roots={"corp": CORP | LOCAL}),
        policy(roots={"corp": {"assurance": "private"}}),
        policy(roots={"corp": CORP | {"trusted_root": ""}}),
        policy(roots={"corp": LOCAL | {"assurance": "public"}}),
        policy(roots={"corp": LOCAL | {"local_instance": False}}),
        policy(publishers={}),
        policy(publishers=[3]),
        policy(publishers=[{key: value for key, value in RULE.items() if key != "identity"}]),
        policy(publishers=[RULE | {"plugins": []}]),
        policy(publishers=[RULE | {"plugins": "acme-*"}]),
        policy(publishers=[RULE | {"plugins": ["*-acme"]}]),
        policy(publishers=[RULE | {"plugins": ["acme-.*"]}]),
        policy(publishers=[RULE | {"plugins": [""]}]),
        policy(publishers=[RULE | {"issuer": None}]),
        policy(publishers=[RULE | {"identity": ""}]),
        policy(publishers=[RULE | {"max_permissions": "network"}]),
        policy(publishers=[RULE | {"max_permissions": [""]}]),
        policy(revoked=[]),
        policy(revoked={"sha256": ["A" * 64]}),
        policy(revoked={"sha256": "a" * 64}),
    ],
    ids=range(31),
)
def test_a_value_outside_the_format_is_refused_by_reader_and_schema_alike(load, document):
    assert refused(load, document) == "MOP3103"
    assert not schema_accepts(document)


def test_a_permission_that_does_not_exist_is_refused(load):
    assert refused(load, policy(publishers=[RULE | {"max_permissions": ["netwrok"]}])) == "MOP3103"


def test_a_rule_that_names_a_missing_root_is_refused(load):
    assert refused(load, policy(publishers=[RULE | {"root": "public"}])) == "MOP3104"
    assert refused(load, policy(roots={})) == "MOP3104"


@pytest.mark.parametrize(
    "rules",
    [[RULE, RULE | {"identity": "other@corp"}], [RULE | {"plugins": ["a", "a"]}]],
    ids=["two rules", "one rule"],
)
def test_a_name_that_is_claimed_twice_is_refused(load, rules):
    assert refused(load, policy(publishers=rules)) == "MOP3105"


@pytest.mark.parametrize(
    "data", [b"{", b'{"version":1,"version":1,"roots":{}}', b"\xff"], ids=["cut", "twice", "bytes"]
)
def test_a_policy_that_is_not_strict_json_is_refused(load, data):
    assert refused(load, data) == "MOP3101"


def test_a_policy_that_cannot_be_read_is_refused_and_not_taken_for_absent(load, tmp_path):
    path = tmp_path / "trust.json"
    for make in (path.mkdir, lambda: os.mkfifo(path), lambda: path.symlink_to("trust.json")):
        make()
        with pytest.raises(TrustRefused) as caught:
            TrustPolicy.load(path, local_root=tmp_path)
        assert caught.value.code == "MOP3100"
        path.rmdir() if path.is_dir() else path.unlink()


def test_an_oversize_policy_is_refused(load):
    assert refused(load, b" " * ((1 << 20) + 1)) == "MOP3100"


def test_a_pin_survives_the_round_trip_through_the_hosts_state():
    signer = Signer("corp", "private", "https://login.corp", "ci@corp")
    assert Pin.from_dict(json.loads(json.dumps(Pin.of(signer).to_dict()))) == Pin.of(signer)
    assert signer.to_dict()["assurance"] == "private"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"root": "a", "issuer": "b"},
        {"root": "a", "issuer": "b", "identity": 3},
        {"root": "a", "issuer": "b", "identity": "c", "more": "d"},
    ],
    ids=range(6),
)
def test_a_damaged_pin_is_refused_and_not_taken_for_absent(value):
    with pytest.raises(TrustRefused) as caught:
        Pin.from_dict(value)
    assert caught.value.code == "MOP3107"
