"""Mutated signatures: refused, every one, and never with anything but a refusal."""

from __future__ import annotations

import base64
import copy
import json
import random

import pytest

from mobileops.errors import TrustRefused

BYTE_MUTANTS = 150
VALUE_MUTANTS = 250
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
    stamp = json.loads(data)["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]
    begin = data.index(stamp["signedTimestamp"].encode())
    at = dice.choice([*range(begin), *range(begin + len(stamp["signedTimestamp"]), len(data))])
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
    if dice.random() < 0.5:
        try:
            raw = bytearray(base64.b64decode(text, validate=True))
        except ValueError:
            raw = bytearray()
        if raw:
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
            return base64.b64encode(raw).decode()
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


def outcome(release, data):
    release.signature.write_bytes(data)
    try:
        release.verify().bundle.close()
    except TrustRefused as refused:
        return refused.outcome
    return "trusted"


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_are_refused_and_nothing_else_happens(release, seed):
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    good = release.signature.read_bytes()
    assert outcome(release, good) == "trusted"
    for _ in range(BYTE_MUTANTS):
        mutant = mutate_bytes(good, dice)
        assert mutant == good or outcome(release, mutant) in {"invalid", "untrusted"}, mutant


@pytest.mark.parametrize("seed", [3, 4])
def test_mutated_values_are_refused_and_nothing_else_happens(release, seed):
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    good = json.loads(release.signature.read_bytes())
    for _ in range(VALUE_MUTANTS):
        mutant, path = mutate_value(good, dice)
        assert mutant == good or outcome(release, json.dumps(mutant).encode()) in {"invalid", "untrusted"}, path


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
