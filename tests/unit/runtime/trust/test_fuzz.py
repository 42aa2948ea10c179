"""Mutated signatures: refused, every one, and never with anything but a refusal."""

from __future__ import annotations

import base64
import copy
import json
import random

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import TrustPolicy
from tests.fakes.key_signature import make_key

CERTIFIED_MUTANTS = 1000
KEYED_MUTANTS = 900
POLICY_MUTANTS = 1000
STAMP_MUTANTS = 100


def leaves(value, path=()):
    """Yield (path, parent, key) of every value that is no container."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in items:
        if isinstance(child, dict | list):
            yield from leaves(child, (*path, key))
        else:
            yield (*path, key), value, key


def mutate_bytes(data, dice):
    begin = end = len(data)
    stamps = json.loads(data)["verificationMaterial"].get("timestampVerificationData")
    if stamps:
        stamp = stamps["rfc3161Timestamps"][0]["signedTimestamp"].encode()
        begin = data.index(stamp)
        end = begin + len(stamp)
    at = dice.choice([*range(begin), *range(end, len(data))])
    match dice.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
        case _:
            other = dice.randrange(len(data))
            return data[:at] + data[other : other + 20] + data[at:]


def mutate_text(text, dice):
    """Change one bit of what a text stands for, or the text itself."""
    if isinstance(text, str) and dice.random() < 0.5:
        try:
            raw = bytearray(base64.b64decode(text, validate=True))
        except ValueError:
            raw = bytearray()
        if raw:
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
            return base64.b64encode(raw).decode()
    if not isinstance(text, str):
        return dice.choice([None, "", -1, 1.5, [], {}, not text])
    return dice.choice(["", text[:-1], text + "=", text[::-1], "A" * 8, "0", "-1", "9" * 18, "\u202e", None, 7, [], {}])


def mutate_value(document, dice):
    mutant = copy.deepcopy(document)
    path, parent, key = dice.choice([leaf for leaf in leaves(mutant) if "signedTimestamp" not in leaf[0]])
    match dice.randrange(5):
        case 0:
            del parent[key]
        case 1:
            parent[key] = dice.choice([other[1][other[2]] for other in leaves(mutant)])
        case _:
            parent[key] = mutate_text(parent[key], dice)
    return mutant, path


def outcome(release, data, policy):
    release.signature.write_bytes(data)
    try:
        release.verify(policy=policy).bundle.close()
    except TrustRefused as refused:
        return refused.outcome
    return "trusted"


def mutants(good, seed, count):
    """Yield (mutant, what was changed): half by bytes, half by values."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    document = json.loads(good)
    for number in range(count):
        if number % 2:
            mutant, path = mutate_value(document, dice)
            if mutant != document:
                yield json.dumps(mutant).encode(), path
        else:
            data = mutate_bytes(good, dice)
            if data != good:
                yield data, "bytes"


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_signatures_with_a_certificate_are_refused_and_nothing_else_happens(release, seed):
    good, policy = release.signature.read_bytes(), release.policy()
    assert outcome(release, good, policy) == "trusted"
    for mutant, what in mutants(good, seed, CERTIFIED_MUTANTS):
        assert outcome(release, mutant, policy) in {"invalid", "untrusted"}, (what, mutant)


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
@pytest.mark.parametrize("seed", [3, 4])
def test_mutated_signatures_with_a_key_are_refused_and_nothing_else_happens(release, kind, seed):
    key = make_key(kind)
    release.state_with_key(key)
    policy = release.policy(publishers=[{"plugins": ["tiny-*"], "key": release.key_file(key)}])
    good = release.signature.read_bytes()
    assert outcome(release, good, policy) == "trusted"
    for mutant, what in mutants(good, seed, KEYED_MUTANTS):
        assert outcome(release, mutant, policy) in {"invalid", "untrusted"}, (what, mutant)


@pytest.mark.parametrize("seed", [5])
def test_a_mutated_policy_is_a_policy_or_refused(tmp_path, seed):
    """Whatever lies in trust.json, reading it ends in rules or in a refusal."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    rule = {"plugins": ["a-*"], "root": "dev", "issuer": "https://i", "repository": "a/b", "repository_id": "1"}
    good = {
        "version": 1,
        "serial": 3,
        "roots": {"dev": {"local_instance": True, "assurance": "local"}},
        "publishers": [rule | {"trigger": ["push"], "max_permissions": ["network.http"]}],
        "revoked": {
            "identities": [{"identity": "a@b", "after": "2026-11-01T00:00:00Z"}],
            "key_hints": ["A" * 43 + "="],
        },
    }
    path, refused = tmp_path / "trust.json", 0
    for _ in range(POLICY_MUTANTS):
        mutant, _where = mutate_value(good, dice)
        path.write_text(json.dumps(mutant))
        try:
            TrustPolicy.load(path, local_root=tmp_path / "none")
        except TrustRefused:
            refused += 1
    assert refused > POLICY_MUTANTS // 2


def test_a_bit_of_the_time_stamp_changes_nothing_that_counts(release):
    """The frame of a time stamp has bits that no signature covers (versions, algorithm lists); they may flip."""
    dice = random.Random(5)  # noqa: S311 - repeatable, not secret
    with release.verify() as verified:
        expected = (verified.signer, verified.sha256)
    good = json.loads(release.signature.read_bytes())
    refused = 0
    for _ in range(STAMP_MUTANTS):
        mutant = copy.deepcopy(good)
        (stamp,) = mutant["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
        raw = bytearray(base64.b64decode(stamp["signedTimestamp"]))
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        stamp["signedTimestamp"] = base64.b64encode(raw).decode()
        release.signature.write_text(json.dumps(mutant))
        try:
            with release.verify() as verified:
                assert (verified.signer, verified.sha256) == expected
        except TrustRefused:
            refused += 1
    assert refused > STAMP_MUTANTS // 2
