"""Step 0: read the signature file within bounds and demand one exact shape.

The shape is Sigstore Bundle v0.3 (https://github.com/sigstore/protobuf-specs, ``sigstore_bundle.proto``) with one DSSE
signature, and either a certificate with one log entry and at most one time stamp, or the hint of a key. Clients of
Sigstore read it more loosely than is good for a trust decision: unknown keys, sloppy base64 and a second signature are
refused here, so that a signature has one spelling and nothing unsigned travels along.
"""

from __future__ import annotations

import base64
import errno
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from mobileops.errors import ManifestError, TrustRefused
from mobileops.manifest.json_text import loads
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from pathlib import Path

MAX_SIGNATURE_BYTES: Final = 1 << 20
MAX_PROOF_HASHES: Final = 64
MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"

ACCEPTED: Final = (
    f"at most {MAX_SIGNATURE_BYTES} bytes of strict JSON: a Sigstore bundle v0.3 with one signature, and a certificate"
    " with its log entry or the hint of a key"
)
"""What step 0 accepts, in words."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# One spelling for every sequence of bytes (RFC 4648 sections 3.5 and 4).
_END: Final = r"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)"
_LAST_FOUR: Final = re.compile(_END)
_BASE64: Final = rf"(?:[A-Za-z0-9+/]{{4}})*{_END}"
# Origin (with the identifier of the tree, in Rekor v1), size, root hash, further lines of the log; one signature line.
_CHECKPOINT: Final = re.compile(rf"(\S+)(?: - [0-9]+)?\n[0-9]+\n{_BASE64}\n(?:[^\n]+\n)*\n\u2014 \1 {_BASE64}\n")

_Check = Callable[[object, str], str]
"""Write the value at a JSON pointer as JSON, or raise if it is not what the shape demands there."""


class SignatureFile(NamedTuple):
    """A signature file of the right shape; nothing in it is verified yet.

    Attributes:
        where: its path, for errors.
        raw: its bytes, as kept in the receipt of an install.
        document: its JSON.
        checked: the document as it was written while it was checked: nothing else reaches a verifier.
    """

    where: str
    raw: bytes
    document: dict[str, Any]
    checked: bytes

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        kind = "a certificate" if self.key_hint is None else f"the key {self.key_hint}"
        return f"{len(self.raw)} bytes, signed with {kind}"

    @property
    def key_hint(self) -> str | None:
        """Return the hint of the key that is said to have signed; None for a certificate."""
        key = self.document["verificationMaterial"].get("publicKey")
        return None if key is None else str(key["hint"])

    def envelope(self) -> tuple[str, bytes, bytes]:
        """Return payload type, payload and signature, none of them verified."""
        envelope = self.document["dsseEnvelope"]
        payload, value = envelope["payload"], envelope["signatures"][0]["sig"]
        return str(envelope["payloadType"]), base64.b64decode(payload), base64.b64decode(value)

    @property
    def has_two_times(self) -> bool:
        """Whether both the log and a time stamp say when it was signed."""
        material = self.document["verificationMaterial"]
        stamps = material.get("timestampVerificationData", {}).get("rfc3161Timestamps")
        return bool(stamps) and "integratedTime" in material["tlogEntries"][0]

    def without_promise(self) -> bytes:
        """Return the document, of a signature with two times, with the time stamp as its only one.

        sigstore-python skips a time stamp that does not verify when the log's own time does. Verifying this form too
        makes every source of time count.
        """
        material = self.document["verificationMaterial"]
        (entry,) = material["tlogEntries"]
        bare = {key: value for key, value in entry.items() if key not in {"integratedTime", "inclusionPromise"}}
        return json.dumps({**self.document, "verificationMaterial": {**material, "tlogEntries": [bare]}}).encode()


def read(path: Path) -> SignatureFile:
    """Read and check a signature file.

    Raises:
        TrustRefused: ``MOP3000`` to ``MOP3008``.
    """
    where = str(path)
    raw = _read(path)
    if not raw:
        raise refuse(Code.EMPTY, "the signature file is empty", where=where, fix="sign the bundle again")
    try:
        document = loads(raw, where=where, limit=MAX_SIGNATURE_BYTES)
    except ManifestError as error:
        what = f"the signature file is not strict JSON: {error.what}"
        raise refuse(Code.NOT_STRICT_JSON, what, where=error.where, why=error.why) from error
    found = document.get("mediaType") if isinstance(document, dict) else None
    if found != MEDIA_TYPE:
        what = f"the signature file is of type {found!r}, not {MEDIA_TYPE!r}"
        raise refuse(Code.MEDIA_TYPE, what, where=where, fix="sign the bundle with mobileops sign")
    return SignatureFile(where, raw, document, _BUNDLE(document, f"{where}#").encode())


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, limit=MAX_SIGNATURE_BYTES)
    except FileNotFoundError as error:
        raise refuse(
            Code.NO_SIGNATURE,
            "there is no signature beside the bundle",
            where=path,
            why="only signed bundles are accepted, and the signature lies beside the archive",
            fix="sign it with mobileops sign, or get the .sigstore.json from where the bundle came from",
        ) from error
    except OSError as error:
        code = Code.TOO_LARGE if error.errno == errno.EFBIG else Code.UNREADABLE
        raise refuse(code, f"the signature cannot be read: {error.strerror}", where=path) from error


def _text(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise _misshapen("a value is not a string", pointer)
    return json.dumps(value)


def _number(value: object, pointer: str) -> str:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise _misshapen(f"{value!r:.40} is not a whole number written as a string", pointer)
    return f'"{value}"'


def _base64(value: object, pointer: str) -> str:
    """Demand the one spelling of some bytes: padded, standard alphabet, unused bits zero."""
    if not isinstance(value, str):
        raise _misshapen("a value is not a string", pointer)
    begin, end = value[:-4], value[-4:]
    others = begin.encode("utf-8", "surrogatepass").translate(None, _ALPHABET)
    if len(begin) % 4 or others or not _LAST_FOUR.fullmatch(end):
        raise refuse(Code.BASE64, "a value is not canonical base64", where=pointer, why="RFC 4648 sections 3.5 and 4")
    return f'"{value}"'


def _checkpoint(value: object, pointer: str) -> str:
    """Demand a note with one signature under its own name: the signature covers neither that name nor further lines."""
    written = _text(value, pointer)
    if not _CHECKPOINT.fullmatch(str(value)):
        raise _misshapen("the checkpoint is not a note with one signature under the name of its log", pointer)
    return written


def _either(key: str, with_key: _Check, without: _Check) -> _Check:
    """Demand one shape of an object that has a key, and another of one that does not."""

    def check(value: object, pointer: str) -> str:
        return (with_key if isinstance(value, dict) and key in value else without)(value, pointer)

    return check


def _several(item: _Check, *, at_least: int, at_most: int) -> _Check:
    """Demand a list with a number of items between two bounds, all alike."""

    def check(value: object, pointer: str) -> str:
        if not isinstance(value, list):
            raise _misshapen("a value is not a list", pointer)
        if not at_least <= len(value) <= at_most:
            what = f"there are {len(value)} items, expected {at_least} to {at_most}"
            raise refuse(Code.COUNT, what, where=pointer)
        written = [item(each, f"{pointer}/{place}") for place, each in enumerate(value)]
        return f"[{','.join(written)}]"

    return check


def _keys(required: dict[str, _Check], optional: dict[str, _Check] | None = None) -> _Check:
    """Demand an object with exactly these keys."""
    known = required | (optional or {})

    def check(value: object, pointer: str) -> str:
        if not isinstance(value, dict):
            raise _misshapen("a value is not an object", pointer)
        if unknown := value.keys() - known.keys():
            raise _misshapen(f"the key {min(unknown)!r} is unknown", pointer)
        if missing := required.keys() - value.keys():
            raise _misshapen(f"the key {min(missing)!r} is missing", pointer)
        written = [f'"{key}":{known[key](each, f"{pointer}/{key}")}' for key, each in value.items()]
        return f"{{{','.join(written)}}}"

    return check


def _misshapen(what: str, pointer: str) -> TrustRefused:
    return refuse(Code.SHAPE, what, where=pointer, fix="sign the bundle again with mobileops sign")


def _promised(entry: _Check) -> _Check:
    """Demand both the time of the log and the signature over it, or neither: alone, nothing would verify the time."""

    def check(value: object, pointer: str) -> str:
        written = entry(value, pointer)
        fields = cast("dict[str, object]", value)
        # sigstore-python takes the time 0 for none, and then does not look at the promise.
        if ("integratedTime" in fields) != ("inclusionPromise" in fields) or fields.get("integratedTime") == "0":
            raise _misshapen("integratedTime and inclusionPromise come together or not at all", pointer)
        return written

    return check


_INCLUSION_PROOF: Final = _keys(
    {
        "logIndex": _number,
        "rootHash": _base64,
        "treeSize": _number,
        "hashes": _several(_base64, at_least=0, at_most=MAX_PROOF_HASHES),
        "checkpoint": _keys({"envelope": _checkpoint}),
    }
)
_LOG_ENTRY: Final = _promised(
    _keys(
        {
            "logIndex": _number,
            "logId": _keys({"keyId": _base64}),
            "kindVersion": _keys({"kind": _text, "version": _text}),
            "inclusionProof": _INCLUSION_PROOF,
            "canonicalizedBody": _base64,
        },
        {"integratedTime": _number, "inclusionPromise": _keys({"signedEntryTimestamp": _base64})},
    )
)
_TIMESTAMPS: Final = _keys(
    {}, {"rfc3161Timestamps": _several(_keys({"signedTimestamp": _base64}), at_least=0, at_most=1)}
)
_CERTIFIED: Final = _keys(
    {
        "certificate": _keys({"rawBytes": _base64}),
        "tlogEntries": _several(_LOG_ENTRY, at_least=1, at_most=1),
    },
    {"timestampVerificationData": _TIMESTAMPS},
)
# Nothing verifies a log entry or a time stamp beside a key, so none may travel along; clients write the empty list.
_KEYED: Final = _keys(
    {"publicKey": _keys({"hint": _base64})}, {"tlogEntries": _several(_LOG_ENTRY, at_least=0, at_most=0)}
)
_MATERIAL: Final = _either("publicKey", _KEYED, _CERTIFIED)
_SIGNED: Final = _keys({"sig": _base64}, {"keyid": _text})
_ENVELOPE: Final = _keys(
    {"payload": _base64, "payloadType": _text, "signatures": _several(_SIGNED, at_least=1, at_most=1)}
)
_BUNDLE: Final = _keys({"mediaType": _text, "verificationMaterial": _MATERIAL, "dsseEnvelope": _ENVELOPE})
