from __future__ import annotations

import copy
import json

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import statement

SAID = {
    "_type": statement.STATEMENT_TYPE,
    "subject": [
        {"name": "a-1.0.0.zip", "digest": {"sha256": "a" * 64, "sha512": "ignored"}},
        {"name": ".mobileops/files.json", "digest": {"sha256": "b" * 64}},
    ],
    "predicateType": statement.PREDICATE_TYPE,
    "predicate": {
        "name": "a",
        "version": "1.0.0",
        "manifestDigest": {"sha256": "c" * 64},
        "permissions": ["network"],
        "unknown": "ignored, as in-toto demands",
    },
}


def parse(said, payload_type=statement.PAYLOAD_TYPE):
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    return statement.parse(payload_type, data, where="x.sigstore.json")


def refused(*arguments):
    with pytest.raises(TrustRefused) as caught:
        parse(*arguments)
    return caught.value.code


def changed(**changes):
    said = copy.deepcopy(SAID)
    for pointer, value in changes.items():
        *path, last = pointer.split("__")
        place = said
        for key in path:
            place = place[int(key) if key.isdecimal() else key]
        place[int(last) if last.isdecimal() else last] = value
    return said


def test_a_statement_is_read_whatever_the_order_of_its_subjects():
    said = parse(SAID)
    assert said == parse(changed(subject=SAID["subject"][::-1]))
    assert (said.archive_name, said.archive_sha256, said.files_sha256) == ("a-1.0.0.zip", "a" * 64, "b" * 64)
    assert (said.name, said.version, said.permissions) == ("a", "1.0.0", ("network",))


def test_the_payload_type_is_compared_before_anything_is_parsed():
    assert refused(b"not json", "application/json") == "MOP3030"


@pytest.mark.parametrize("data", [b"not json", b'{"a":1,"a":2}', b"\xff"], ids=["words", "duplicate", "bytes"])
def test_a_statement_that_is_not_strict_json_is_refused(data):
    assert refused(data) == "MOP3031"


@pytest.mark.parametrize("value", [None, "", 1, ["https://in-toto.io/Statement/v1"]])
def test_the_types_are_compared_exactly(value):
    assert refused(changed(_type=value)) == "MOP3032"
    assert refused(changed(predicateType=value)) == "MOP3033"


@pytest.mark.parametrize(
    "said",
    [
        [],
        changed(predicate=None),
        changed(subject={}),
        changed(subject__0=3),
        changed(subject__0__name=3),
        changed(subject__0__digest=[]),
        changed(subject__0__digest={"sha512": "a" * 128}),
        changed(subject__1__digest__sha256="B" * 64),
        changed(subject__1__digest__sha256="b" * 64 + "\n"),
        changed(predicate__name=None),
        changed(predicate__version=1),
        changed(predicate__manifestDigest="c" * 64),
        changed(predicate__permissions="network"),
        changed(predicate__permissions=[1]),
    ],
    ids=range(14),
)
def test_another_shape_is_refused(said):
    assert refused(said) == "MOP3034"
