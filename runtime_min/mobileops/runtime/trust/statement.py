"""The signed statement: in-toto Statement v1 with the predicate ``plugin-publish/v1``.

Its schema is ``schema/attestations/plugin-publish/v1.schema.json``; the signing side builds it, this side reads it.
Two subjects: the archive under its file name, and the file table inside it. The second lets installed files be checked
after the archive is gone. Unknown keys are ignored, as in-toto demands of consumers; known ones are checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.bundle.layout import FILES_MEMBER
from mobileops.errors import ManifestError, TrustRefused
from mobileops.manifest.json_text import loads
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://mobileops.dev/attestations/plugin-publish/v1"
SUBJECT_COUNT: Final = 2

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Statement(NamedTuple):
    """What the signer says, typed but not yet compared with the bundle.

    Attributes:
        archive_name: file name of the archive.
        archive_sha256: its digest in lowercase hex, like every digest here.
        files_sha256: digest of the file table.
        name: the plugin.
        version: its version.
        manifest_sha256: digest of the canonical manifest.
        permissions: what the manifest declares, in its order.
    """

    archive_name: str
    archive_sha256: str
    files_sha256: str
    name: str
    version: str
    manifest_sha256: str
    permissions: tuple[str, ...]


def parse(payload_type: str, payload: bytes, *, where: str) -> Statement:
    """Read a payload whose signature was already verified.

    Raises:
        TrustRefused: ``MOP3030`` to ``MOP3034`` for types and shape, ``MOP3043`` for the wrong subjects.
    """
    if payload_type != PAYLOAD_TYPE:
        raise refuse(Code.PAYLOAD_TYPE, f"the payload is of type {payload_type!r}, not {PAYLOAD_TYPE!r}", where=where)
    try:
        document = loads(payload, where=where)
    except ManifestError as error:
        raise refuse(Code.STATEMENT_JSON, f"the statement is not strict JSON: {error.what}", where=where) from error
    if not isinstance(document, dict):
        raise refuse(Code.STATEMENT_SHAPE, "the statement is not a JSON object", where=where)
    _expect(Code.STATEMENT_TYPE, document.get("_type"), STATEMENT_TYPE, where)
    _expect(Code.PREDICATE_TYPE, document.get("predicateType"), PREDICATE_TYPE, where)
    return _build(document, where)


def _build(document: Mapping[str, Any], where: str) -> Statement:
    predicate = document.get("predicate")
    if not isinstance(predicate, dict):
        raise _malformed("predicate", where)
    subjects = _subjects(document.get("subject"), where)
    files_sha256 = subjects.pop(FILES_MEMBER, None)
    if files_sha256 is None or len(subjects) != 1:
        raise _wrong_subjects(where)
    archive_name, archive_sha256 = subjects.popitem()
    permissions = predicate.get("permissions")
    if not isinstance(permissions, list) or not all(isinstance(item, str) for item in permissions):
        raise _malformed("predicate/permissions", where)
    return Statement(
        archive_name=archive_name,
        archive_sha256=archive_sha256,
        files_sha256=files_sha256,
        name=_string(predicate, "name", where),
        version=_string(predicate, "version", where),
        manifest_sha256=_sha256(predicate.get("manifestDigest"), "predicate/manifestDigest", where),
        permissions=tuple(permissions),
    )


def _subjects(value: object, where: str) -> dict[str, str]:
    """Return subject name -> SHA-256."""
    if not isinstance(value, list):
        raise _malformed("subject", where)
    if len(value) != SUBJECT_COUNT:
        raise _wrong_subjects(where)
    found = {}
    for place, subject in enumerate(value):
        if not isinstance(subject, dict) or not isinstance(subject.get("name"), str):
            raise _malformed(f"subject/{place}/name", where)
        found[subject["name"]] = _sha256(subject.get("digest"), f"subject/{place}/digest", where)
    return found


def _sha256(digest_set: object, pointer: str, where: str) -> str:
    digest = digest_set.get("sha256") if isinstance(digest_set, dict) else None
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _malformed(f"{pointer}/sha256", where)
    return digest


def _string(predicate: Mapping[str, Any], key: str, where: str) -> str:
    value = predicate.get(key)
    if not isinstance(value, str):
        raise _malformed(f"predicate/{key}", where)
    return value


def _expect(code: Code, found: object, expected: str, where: str) -> None:
    if found != expected:
        raise refuse(code, f"the statement has {found!r} where {expected!r} is expected", where=where)


def _malformed(pointer: str, where: str) -> TrustRefused:
    return refuse(
        Code.STATEMENT_SHAPE, "a value of the signed statement is missing or malformed", where=f"{where}#/{pointer}"
    )


def _wrong_subjects(where: str) -> TrustRefused:
    return refuse(
        Code.SUBJECT_MISSING,
        "the statement does not name exactly an archive and its file table",
        where=f"{where}#/subject",
        why=f"the subjects of a plugin are its archive and {FILES_MEMBER!r}",
        fix="sign the bundle with mobileops sign",
    )
