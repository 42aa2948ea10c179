"""What the cases of sigstore-conformance do to a bundle, done to any bundle of a statement with a certificate.

The suite's own cases are not kept here; these have the names of its families, and the endings that its runner reads:
``_fail`` is to be refused.
"""

from __future__ import annotations

import base64
import copy
import json


def _material(bundle):
    return bundle["verificationMaterial"]


def _entry(bundle):
    return _material(bundle)["tlogEntries"][0]


def _proof(bundle):
    return _entry(bundle)["inclusionProof"]


def _signature(bundle):
    return bundle["dsseEnvelope"]["signatures"][0]


def _flipped(text, at=-1):
    """Flip one bit of what base64 stands for."""
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return base64.b64encode(data).decode()


def _note(bundle, change):
    """Change the lines of the checkpoint: origin, size, root hash, then after an empty line the signature."""
    checkpoint = _proof(bundle)["checkpoint"]
    lines = checkpoint["envelope"].split("\n")
    change(lines)
    checkpoint["envelope"] = "\n".join(lines)


def _set(lines, place, text):
    lines[place] = text


def _sign_again(lines, *, hint=b"", value=b""):
    """Change the hint of the key, or the value, in the last line of a note."""
    place = max(number for number, line in enumerate(lines) if line.startswith("\u2014 "))
    head, _, encoded = lines[place].rpartition(" ")
    data = base64.b64decode(encoded)
    changed = (hint or data[:4]) + (value or data[4:])
    lines[place] = f"{head} {base64.b64encode(changed).decode()}"


CHANGES = {
    "bundle-unknown-version": lambda b, _: b.update(mediaType="application/vnd.dev.sigstore.bundle.v9.9+json"),
    "bundle-invalid-base64-signature": lambda b, _: _signature(b).update(sig="%%%"),
    "bundle-negative-log-index": lambda b, _: _entry(b).update(logIndex="-1"),
    "wrong-material": lambda b, other: b.update(verificationMaterial=_material(other)),
    "wrong-certificate": lambda b, other: _material(b).update(certificate=_material(other)["certificate"]),
    "wrong-log-entry": lambda b, other: _material(b).update(tlogEntries=_material(other)["tlogEntries"]),
    "dsse-invalid-sig": lambda b, _: _signature(b).update(sig=_flipped(_signature(b)["sig"])),
    "dsse-mismatch-sig": lambda b, other: _signature(b).update(sig=_signature(other)["sig"]),
    "dsse-mismatch-envelope": lambda b, other: b.update(dsseEnvelope=other["dsseEnvelope"]),
    "dsse-mismatch-payload": lambda b, other: b["dsseEnvelope"].update(payload=other["dsseEnvelope"]["payload"]),
    "dsse-payload-type": lambda b, _: b["dsseEnvelope"].update(payloadType="text/plain"),
    "intoto-missing-inclusion-proof": lambda b, _: _entry(b).pop("inclusionProof"),
    "intoto-missing-log-entry": lambda b, _: _material(b).update(tlogEntries=[]),
    "inclusion-proof-corrupted-hash": lambda b, _: _proof(b).update(rootHash=_flipped(_proof(b)["rootHash"])),
    "inclusion-proof-other-index": lambda b, _: _proof(b).update(logIndex=str(int(_proof(b)["logIndex"]) + 1)),
    "inclusion-proof-extra-hash": lambda b, _: _proof(b)["hashes"].append(_proof(b)["rootHash"]),
    "invalid-checkpoint-signature": lambda b, _: _note(b, lambda lines: _sign_again(lines, value=bytes(70))),
    "checkpoint-bad-keyhint": lambda b, _: _note(b, lambda lines: _sign_again(lines, hint=b"none")),
    "checkpoint-wrong-roothash": lambda b, _: _note(b, lambda lines: _set(lines, 2, _flipped(lines[2]))),
    "checkpoint-missing-root-hash": lambda b, _: _note(b, lambda lines: lines.pop(2)),
    "checkpoint-missing-size": lambda b, _: _note(b, lambda lines: lines.pop(1)),
    "checkpoint-missing-log-signature": lambda b, _: _note(b, lambda lines: lines.__delitem__(slice(4, None))),
    "set-invalid-signature": lambda b, _: _entry(b)["inclusionPromise"].update(
        signedEntryTimestamp=_flipped(_entry(b)["inclusionPromise"]["signedEntryTimestamp"])
    ),
    "integrated-time-in-future": lambda b, _: _entry(b).update(integratedTime="9999999999"),
    "set-outside-signing-cert-validity": lambda b, _: _entry(b).update(integratedTime="1600000000"),
}
"""Name of a family -> what it does to a bundle, given another good one."""


def refused(bundle, other):
    """Yield (name, bundle) of each case that is made of a good bundle, and has to be refused."""
    yield "bundle-malformed-json", bundle[:-2]
    for name, change in CHANGES.items():
        changed = copy.deepcopy(json.loads(bundle))
        change(changed, json.loads(other))
        yield name, json.dumps(changed).encode()
