"""The cases of steps 3 to 6: types, subjects, manifest, members."""

from __future__ import annotations

from tests.unit.runtime.trust.classes.stage import case

# Step 3: the types. Whoever signs says something else about the same archive.


@case("MOP3030", "the payload is signed as another type")
def _(stage):
    stage.release.state()
    yield
    stage.monkeypatch.setattr("mobileops.toolchain.sign.local.PAYLOAD_TYPE", "application/json")
    stage.release.state()


@case("MOP3031", "a text without structure is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.sign(b"not json")


@case("MOP3032", "a statement of in-toto version 0.1 is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"))


@case("MOP3033", "another predicate is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said.update(predicateType="https://slsa.dev/provenance/v1"))


@case("MOP3034", "a statement without a version is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].pop("version"))


# Step 4: the subjects.


@case("MOP3040", "a byte of a member is changed")
def _(stage):
    yield
    stage.release.change_member()


@case("MOP3041", "the archive is renamed to another version")
def _(stage):
    yield
    stage.release.archive = stage.release.archive.rename(stage.release.archive.with_name("tiny-plugin-9.9.9.zip"))


@case("MOP3042", "another file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["subject"][1]["digest"].update(sha256="0" * 64))


@case("MOP3043", "a statement without the file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["subject"].pop(1))


# Step 5: the manifest.


@case("MOP3050", "another name is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(name="famous-plugin"))


@case("MOP3051", "another version is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(version="1.2.4"))


@case("MOP3052", "another manifest is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(manifestDigest={"sha256": "0" * 64}))


@case("MOP3053", "fewer permissions are signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"]["permissions"].pop())


# Step 6: the members.


@case("MOP3060", "a member that contradicts the file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.change_member()
    stage.release.state()
