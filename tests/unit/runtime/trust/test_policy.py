from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import TrustRefused
from mobileops.manifest.permissions import Permission
from mobileops.runtime.trust import Pin, Signer, TrustPolicy, public_root

SCHEMA = json.loads((Path(__file__).parents[4] / "schema/trust/v1/policy.schema.json").read_text())
LOCAL = {"local_instance": True, "assurance": "local"}
CORP = {"trusted_root": "roots/corp.json", "assurance": "private"}
PUBLIC = {"public_instance": True, "assurance": "public"}
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
    build = {"repository": "acme/x", "repository_id": "1", "owner_id": "2", "workflow": "r.yml", "trigger": ["push"]}
    rule = RULE | build | {"ref_prefix": "refs/tags/", "max_permissions": ["network.http"]}
    revoked = {
        "sha256": ["a" * 64],
        "key_hints": ["A" * 43 + "="],
        "identities": [{"repository_id": "1", "after": "2026-11-01T00:00:00Z"}],
    }
    more = {"public": PUBLIC, "fleet": {"keys": ["a.pub", "b.pub"], "assurance": "key"}}
    publishers = [rule, {"plugins": ["f-*"], "key": "f.pub"}, {"plugins": ["g-*"], "root": "fleet"}]
    document = policy(
        roots={"dev": LOCAL, "corp": CORP} | more,
        publishers=publishers,
        revoked=revoked,
        unsigned="deny",
        serial=7,
        max_root_age_days=180,
    )
    found = load(document).rules
    assert [root.name for root in found.roots] == ["dev", "corp", "public", "fleet", "key:f.pub"]
    assert found.roots[2].trusted_root == public_root.PATH
    assert (found.serial, found.max_root_age_days, len(found.revoked)) == (7, 180, 3)
    assert found.revoked.identities[0].after == datetime(2026, 11, 1, tzinfo=UTC)
    assert found.publishers[0].max_permissions == (Permission.parse("network.http"),)
    assert found.revoked.sha256 == {"a" * 64}
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

    rule = Publisher(plugins=(f"{prefix}*",), root="r")
    assert bool(rule.weight(name)) == name.startswith(prefix)


@pytest.mark.parametrize(
    "document",
    [
        policy(publisher=[]),
        policy(max_root_age=180),
        policy(roots={"dev": LOCAL | {"extra": 1}, "corp": CORP}),
        policy(publishers=[RULE | {"repo": "acme/plugins"}]),
        policy(publishers=[RULE | {"max_permission": []}]),
        policy(revoked={"sha256": [], "keys": []}),
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
        policy(publishers=[RULE | {"key": "k.pub"}]),
        policy(publishers=[{"plugins": ["a"], "key": "k.pub", "identity": "ci@corp"}]),
        policy(publishers=[{"plugins": ["a"]}]),
        policy(publishers=[RULE | {"repository_id": 1234}]),
        policy(publishers=[RULE | {"owner_id": "12x"}]),
        policy(publishers=[RULE | {"ref": "refs/heads/main", "ref_prefix": "refs/tags/"}]),
        policy(publishers=[RULE | {"trigger": []}]),
        policy(publishers=[RULE | {"trigger": "push"}]),
        policy(roots={"k": {"keys": [], "assurance": "key"}}, publishers=[]),
        policy(roots={"k": {"keys": ["k.pub"], "assurance": "private"}}, publishers=[]),
        policy(roots={"k": {"trusted_root": "x", "assurance": "key"}}, publishers=[]),
        policy(roots={"k": {"public_instance": True, "assurance": "private"}}, publishers=[]),
        policy(roots={"k": {"public_instance": 1, "assurance": "public"}}, publishers=[]),
        policy(serial=-1),
        policy(serial=True),
        policy(serial="1"),
        policy(max_root_age_days=0),
        policy(revoked={"key_hints": ["abc"]}),
        policy(revoked={"identities": {}}),
        policy(revoked={"identities": [{}]}),
        policy(revoked={"identities": [{"issuer": "https://login.corp"}]}),
        policy(revoked={"identities": [{"identity": "a@b", "after": "2026-11-01"}]}),
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
    ids=range(52),
)
def test_a_value_outside_the_format_is_refused_by_reader_and_schema_alike(load, document):
    assert refused(load, document) == "MOP3103"
    assert not schema_accepts(document)


@pytest.mark.parametrize(
    "rule",
    [
        {key: value for key, value in RULE.items() if key != "identity"},
        {key: value for key, value in RULE.items() if key != "issuer"},
        {"plugins": ["a"], "root": "fleet", "identity": "ci@corp"},
    ],
    ids=["anybody of the issuer", "no issuer", "identity of a key"],
)
def test_a_rule_that_its_root_cannot_fulfil_is_refused_by_the_reader(load, rule):
    roots = {"corp": CORP, "fleet": {"keys": ["a.pub", "b.pub"], "assurance": "key"}}
    assert refused(load, policy(roots=roots, publishers=[rule])) == "MOP3103"


def test_a_time_that_is_none_is_refused_by_the_reader(load):
    entry = {"identity": "a@b", "after": "2026-13-01T00:00:00Z"}
    assert refused(load, policy(revoked={"identities": [entry]})) == "MOP3103"


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
        {"root": "a", "assurance": "local", "issuer": "b"},
        {"root": "a", "assurance": "local", "issuer": "b", "identity": 3},
        {"root": "a", "assurance": "local", "issuer": "b", "identity": "c", "more": "d"},
        {"root": "a", "assurance": "high", "issuer": "b", "identity": "c"},
        {"root": "a", "assurance": "public", "issuer": "b", "repository_id": "1", "owner_id": "2"},
    ],
    ids=range(8),
)
def test_a_damaged_pin_is_refused_and_not_taken_for_absent(value):
    with pytest.raises(TrustRefused) as caught:
        Pin.from_dict(value)
    assert caught.value.code == "MOP3107"
