"""The cases of steps 0 and 1: the signature file, and the signature."""

from __future__ import annotations

import json

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.unit.runtime.trust.classes.stage import case, edit_root, entry, material

# Step 0: the signature file.


@case("MOP3000", "the signature file is removed")
def _(stage):
    yield
    stage.release.signature.unlink()


@case("MOP3001", "the signature file is emptied")
def _(stage):
    yield
    stage.release.signature.write_bytes(b"")


@case("MOP3002", "the signature file is made 1 TiB long")
def _(stage):
    yield
    with stage.release.signature.open("r+b") as file:
        file.truncate(1 << 40)


@case("MOP3003", "the signature file becomes a folder")
def _(stage):
    yield
    stage.release.signature.unlink()
    stage.release.signature.mkdir()


@case("MOP3004", "a comma is added at the end of the signature")
def _(stage):
    yield
    text = stage.release.signature.read_text()
    stage.release.signature.write_text(f"{text.rstrip()[:-1]},}}")


@case("MOP3005", "the media type becomes that of version 0.2")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.2"))


@case("MOP3006", "an unknown key is added to the envelope")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(note="x"))


@case("MOP3007", "the padding of the payload is doubled")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload=bundle["dsseEnvelope"]["payload"] + "=="))


@case("MOP3008", "the signature is listed twice")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"]["signatures"].extend(bundle["dsseEnvelope"]["signatures"]))


@case("MOP3009", "the signature of an owned name is removed")
def _(stage):
    stage.own()
    yield
    stage.release.signature.unlink()


# Step 1: the signature.


@case("MOP3010", "the verifier refuses for a reason that it has no word for")
def _(stage):
    yield

    def refuse(*_, **__):
        raise ValueError("inside")

    stage.monkeypatch.setattr("mobileops.runtime.trust._sigstore.Verifier.verify_dsse", refuse)


@case("MOP3011", "a second identity is certified")
def _(stage):
    stage.release.state()
    yield
    alone = x509.SubjectAlternativeName
    stage.monkeypatch.setattr(x509, "SubjectAlternativeName", lambda names: alone([*names, x509.RFC822Name("b@b")]))
    stage.release.state()


@case("MOP3012", "the payload below the signature of a key is exchanged")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload="e30="))


def drop_promise(bundle):
    del entry(bundle)["integratedTime"], entry(bundle)["inclusionPromise"]


@case("MOP3013", "the only time stamp is removed")
def _(stage):
    stage.release.edit(drop_promise)
    yield
    stage.release.edit(lambda bundle: material(bundle).pop("timestampVerificationData"))


@case("MOP3014", "the time stamp of another signature is put in")
def _(stage):
    other = json.loads(stage.release.instance.sign_statement(b"{}", identity="dev@localhost"))
    stamps = material(other)["timestampVerificationData"]
    yield
    stage.release.edit(lambda bundle: material(bundle).update(timestampVerificationData=stamps))


@case("MOP3015", "the log's time is set to 1970")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle).update(integratedTime="1"))


@case("MOP3016", "the root loses its log of certificates")
def _(stage):
    yield
    edit_root(stage, lambda root: root.update(ctlogs=[]))


@case("MOP3017", "the certificate is issued for another purpose")
def _(stage):
    stage.release.state()
    yield
    purpose = "mobileops.toolchain.sign.certificates.CODE_SIGNING"
    stage.monkeypatch.setattr(purpose, ExtendedKeyUsageOID.CLIENT_AUTH)
    stage.release.state()


@case("MOP3018", "the root hash of the inclusion proof is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["inclusionProof"].update(rootHash="A" * 43 + "="))


@case("MOP3019", "the checkpoint is signed by nobody")
def _(stage):
    yield
    note = "x\n1\nAAAA\n\n\u2014 x AAAAAAAA\n"
    stage.release.edit(lambda bundle: entry(bundle)["inclusionProof"]["checkpoint"].update(envelope=note))


@case("MOP3020", "the log's promise is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["inclusionPromise"].update(signedEntryTimestamp="AAAA"))


@case("MOP3021", "the payload is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload="e30="))


@case("MOP3022", "the log entry is said to be of another version")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["kindVersion"].update(version="0.0.3"))


@case("MOP3023", "the certificate is replaced by three zeros")
def _(stage):
    yield
    stage.release.edit(lambda bundle: material(bundle)["certificate"].update(rawBytes="AAAA"))
