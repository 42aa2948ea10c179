"""Step 0: bounds, strict JSON, one shape."""

from __future__ import annotations

import base64
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import signature_file


def path_to(document, *keys):
    for key in keys:
        document = document[key]
    return document


def entry(document):
    return path_to(document, "verificationMaterial", "tlogEntries", 0)


def test_no_signature_file_is_unsigned(release):
    release.signature.unlink()
    assert release.refusal() == ("MOP3000", "unsigned")


def test_an_empty_signature_file_is_invalid(release):
    release.signature.write_bytes(b"")
    assert release.refusal() == ("MOP3001", "invalid")


def test_an_oversize_signature_file_is_refused_without_reading_it_all(release):
    with release.signature.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: reading it would not end
    assert release.refusal() == ("MOP3002", "invalid")


def test_a_pipe_in_place_of_the_signature_does_not_block(release):
    release.signature.unlink()
    os.mkfifo(release.signature)
    assert release.refusal() == ("MOP3003", "invalid")


def test_a_folder_in_place_of_the_signature_is_refused(release):
    release.signature.unlink()
    release.signature.mkdir()
    assert release.refusal() == ("MOP3003", "invalid")


def test_a_link_that_leads_nowhere_ends_is_refused(release):
    release.signature.unlink()
    release.signature.symlink_to(release.signature.name)
    assert release.refusal() == ("MOP3003", "invalid")


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b'{"mediaType":"a","mediaType":"b"}',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"[" * 5000,
        b'{"a":NaN}',
        b"{} {}",
    ],
    ids=["words", "duplicate keys", "byte order mark", "not UTF-8", "deep", "NaN", "two texts"],
)
def test_a_signature_that_is_not_strict_json_is_refused(release, text):
    release.signature.write_bytes(text)
    assert release.refusal() == ("MOP3004", "invalid")


def test_duplicate_keys_inside_a_real_signature_are_refused(release):
    text = release.signature.read_text()
    release.signature.write_text(text.replace('"payloadType":', '"payloadType":"text/plain","payloadType":', 1))
    assert release.refusal() == ("MOP3004", "invalid")


@pytest.mark.parametrize("value", [None, 3, "application/vnd.dev.sigstore.bundle+json;version=0.2"])
def test_another_media_type_is_refused(release, value):
    release.edit(lambda document: document.update(mediaType=value))
    assert release.refusal() == ("MOP3005", "invalid")


@pytest.mark.parametrize("text", ["[]", "3", '"text"', "null"])
def test_json_that_is_no_object_is_refused(release, text):
    release.signature.write_text(text)
    assert release.refusal() == ("MOP3005", "invalid")


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(extra=1),
        lambda document: document.pop("dsseEnvelope"),
        lambda document: document.update(dsseEnvelope=[]),
        lambda document: document.update(messageSignature={}),
        lambda document: document["verificationMaterial"].update(publicKey={"hint": "x"}),
        lambda document: document["verificationMaterial"].update(tlogEntries={}),
        lambda document: entry(document).update(logIndex=0),
        lambda document: entry(document).update(logIndex=" 0"),
        lambda document: entry(document).update(logIndex="00"),
        lambda document: entry(document).update(logIndex="-1"),
        lambda document: entry(document).update(logIndex="1" * 30),
        lambda document: entry(document)["kindVersion"].update(kind=None),
        lambda document: entry(document).pop("integratedTime"),
        lambda document: entry(document).pop("inclusionPromise"),
        lambda document: entry(document).update(integratedTime="0"),
        lambda document: document["dsseEnvelope"].update(payload=3),
    ],
    ids=[
        "unknown key",
        "missing key",
        "list for object",
        "second content",
        "second key",
        "object for list",
        "bare number",
        "space in number",
        "leading zero",
        "negative number",
        "huge number",
        "null for text",
        "promise without time",
        "time without promise",
        "promise with the time 0",
        "number for bytes",
    ],
)
def test_another_shape_is_refused(release, change):
    release.edit(change)
    assert release.refusal() == ("MOP3006", "invalid")


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\u2014 local", "\u2014 focal"),
        lambda note: note + "\u2014 witness AAAAAAAAAAAA\n",
        lambda note: note + "unsigned line\n",
        lambda note: "\n" + note,
        lambda note: note.rstrip("\n"),
        lambda note: note.replace("\u2014", "-"),
    ],
    ids=["other name", "second signature", "text behind", "text before", "no line end", "no dash"],
)
def test_a_checkpoint_with_anything_unsigned_in_it_is_refused(release, change):
    checkpoint = entry(json.loads(release.signature.read_bytes()))["inclusionProof"]["checkpoint"]["envelope"]
    release.edit(lambda document: entry(document)["inclusionProof"].update(checkpoint={"envelope": change(checkpoint)}))
    assert release.refusal() == ("MOP3006", "invalid")


def test_the_checkpoint_of_the_public_log_has_the_accepted_form():
    note = "rekor.sigstore.dev - 1193050959916656506\n2\nAAAA\n\n\u2014 rekor.sigstore.dev AAAAAAAA\n"
    signature_file._checkpoint(note, "#")
    signature_file._checkpoint(note.replace("AAAA\n\n", "AAAA\nTimestamp: 1679349379012118479\n\n"), "#")


@pytest.mark.parametrize(
    "text",
    ["", "A", "AA", "AAA", "AB==", "AAB=", "AA=A", "AAAA\n", "A_-A", "AA AA", "====", "!!!!", "\u00e9AAA", "AAAA\x00"],
)
def test_base64_that_is_truncated_or_has_another_spelling_is_refused(release, text):
    release.edit(lambda document: document["dsseEnvelope"].update(payload=text))
    assert release.refusal() == ("MOP3007", "invalid")


def twice(items):
    items.append(items[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda document: twice(document["dsseEnvelope"]["signatures"]),
        lambda document: document["dsseEnvelope"]["signatures"].clear(),
        lambda document: twice(document["verificationMaterial"]["tlogEntries"]),
        lambda document: document["verificationMaterial"]["tlogEntries"].clear(),
        lambda document: twice(document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]),
        lambda document: entry(document)["inclusionProof"].update(hashes=["AAAA"] * 65),
    ],
    ids=["two signatures", "no signature", "two log entries", "no log entry", "two time stamps", "endless proof"],
)
def test_another_number_of_signatures_or_entries_is_refused(release, change):
    release.edit(change)
    assert release.refusal() == ("MOP3008", "invalid")


def test_the_verifier_gets_the_document_that_was_checked(release):
    read = signature_file.read(release.signature)
    assert json.loads(read.checked) == read.document == json.loads(release.signature.read_bytes())


@pytest.mark.parametrize("text", ['"', "\\", "\n", "\u2028", "\U0001f600", "</script>"])
def test_a_text_is_written_for_the_verifier_as_it_was_read(release, text):
    release.edit(lambda document: document["dsseEnvelope"].update(payloadType=text))
    assert json.loads(signature_file.read(release.signature).checked)["dsseEnvelope"]["payloadType"] == text


@given(
    st.binary(min_size=1, max_size=9).map(base64.b64encode).map(bytes.decode) | st.text("Aab+/=-_ \n\u00e9", max_size=9)
)
def test_base64_has_the_one_spelling_that_encoding_what_it_stands_for_gives(text):
    try:
        canonical = bool(text) and base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except ValueError:
        canonical = False
    if canonical:
        assert signature_file._base64(text, "") == f'"{text}"'
    else:
        with pytest.raises(TrustRefused) as caught:
            signature_file._base64(text, "")
        assert caught.value.code == "MOP3007"


def test_the_form_without_promise_differs_in_nothing_else(release):
    read = signature_file.read(release.signature)
    bare = json.loads(read.without_promise())
    assert not {"integratedTime", "inclusionPromise"} & entry(bare).keys()
    entry(bare).update({key: entry(read.document)[key] for key in ("integratedTime", "inclusionPromise")})
    assert bare == read.document
