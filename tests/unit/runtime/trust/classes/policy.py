"""The cases of the policy, of steps 2 and 7, and of keys, state and refreshing."""

from __future__ import annotations

from securesystemslib.signer import CryptoSigner

from mobileops.runtime.trust import keys
from mobileops.toolchain.sign import LocalInstance
from tests.fakes.key_signature import make_key, public_pem
from tests.unit.runtime.trust.classes.stage import DEMANDS, REPOSITORY, case

# The policy.


@case("MOP3100", "the policy becomes a folder")
def _(stage):
    yield
    stage.home.trust_policy.unlink()
    stage.home.trust_policy.mkdir()


@case("MOP3101", "the policy loses its last bracket")
def _(stage):
    yield
    stage.home.trust_policy.write_text(stage.home.trust_policy.read_text()[:-1])


@case("MOP3102", "a key of the policy is misspelt")
def _(stage):
    stage.policy(max_root_age_days=180)
    yield
    stage.more = {"max_root_age_day": 180}
    stage.write()


@case("MOP3103", "the policy allows unsigned plugins")
def _(stage):
    stage.policy(unsigned="deny")
    yield
    stage.policy(unsigned="allow")


@case("MOP3104", "a rule names a root that is not there")
def _(stage):
    stage.own()
    yield
    stage.own(root="corpse")


@case("MOP3105", "a second rule claims the same names")
def _(stage):
    stage.own()
    yield
    stage.policy(publishers=2 * stage.more["publishers"])


@case("MOP3106", "the file of the root is emptied")
def _(stage):
    yield
    stage.release.trusted_root.write_bytes(b"")


@case("MOP3107", "the pin loses its root")
def _(stage):
    stage.pin()
    yield
    del stage.pins["tiny-plugin"]["root"]


@case("MOP3108", "the policy of last week comes back")
def _(stage):
    yield
    stage.policy(serial=4)


@case("MOP3109", "the file of the key is cut")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    (stage.home.root / "fleet.pub").write_bytes(public_pem(stage.key)[:60])


# Step 2: the signer.


@case("MOP3110", "another instance signs as the same person")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(instance=LocalInstance.open_or_create(stage.home.root / "foreign"))


@case("MOP3111", "the rule demands the public root")
def _(stage):
    stage.roots["public"] = {"public_instance": True, "assurance": "public"}
    stage.own()
    yield
    stage.own(root="public")


@case("MOP3112", "the rule demands another issuer")
def _(stage):
    stage.own()
    yield
    stage.own(issuer="https://accounts.example.org")


@case("MOP3113", "somebody else signs")
def _(stage):
    stage.own()
    yield
    stage.release.state(identity="eve@localhost")


@case("MOP3114", "somebody else signs a pinned name")
def _(stage):
    stage.pin()
    yield
    stage.release.state(identity="eve@localhost")


@case("MOP3115", "the rule allows one permission less")
def _(stage):
    stage.own(max_permissions=["network", "filesystem.read:/data"])
    yield
    stage.own(max_permissions=["network"])


@case("MOP3116", "another key of the policy signs")
def _(stage):
    other = make_key()
    stage.trust_key()
    stage.trust_key(other, "other")
    stage.policy(publishers=[{"plugins": ["tiny-*"], "root": "fleet"}])
    stage.release.state_with_key(stage.key)
    yield
    stage.release.state_with_key(other)


def owned_by_a_build(stage):
    """Have a rule own the name that demands everything of a build, and meet it."""
    rule = {"plugins": ["tiny-*"], "root": "corp", "issuer": stage.release.instance.issuer, **DEMANDS}
    stage.policy(publishers=[rule])
    stage.build()


@case("MOP3117", "a fork is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_uri="https://github.com/mallory/plugins")


@case("MOP3118", "a repository that took over the name is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_identifier="6666")


@case("MOP3119", "the repository of an owner who took over the name is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_owner_identifier="66")


@case("MOP3120", "another workflow builds")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(build_config_uri=f"{REPOSITORY}/.github/workflows/test.yml@refs/tags/v1")


@case("MOP3121", "a branch is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_ref="refs/heads/main")


@case("MOP3122", "a pull request starts the build")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(build_trigger="pull_request")


@case("MOP3123", "a key that the policy does not have signs")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.release.state_with_key(make_key())


@case("MOP3124", "a rule owns `t1ny-plugin`")
def _(stage):
    yield
    stage.own(plugins=["t1ny-plugin"])


@case("MOP3125", "the root of a pinned signer is said to be local only")
def _(stage):
    stage.pin()
    yield
    stage.roots["corp"]["assurance"] = "local"
    stage.write()


@case("MOP3126", "a key signs a name whose identity is pinned")
def _(stage):
    stage.trust_key()
    stage.pin()
    yield
    stage.release.state_with_key(stage.key)


@case("MOP3127", "a repository that took over the pinned name is built")
def _(stage):
    stage.build()
    stage.pin()
    yield
    stage.build(source_repository_identifier="6666")


@case("MOP3128", "the rule of the key names other plugins")
def _(stage):
    (stage.home.root / "fleet.pub").write_bytes(public_pem(stage.key))
    stage.release.state_with_key(stage.key)
    stage.policy(publishers=[{"plugins": ["tiny-*"], "key": "fleet.pub"}])
    yield
    stage.policy(publishers=[{"plugins": ["huge-*"], "key": "fleet.pub"}])


# Keys, state, refreshing.


@case("MOP3130", "the key file gets a P-384 key")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    (stage.home.root / "fleet.pub").write_bytes(public_pem(make_key("p384")))


@case("MOP3131", "the record of the serial is emptied")
def _(stage):
    yield
    stage.home.trust_state.write_bytes(b"")


@case("MOP3132", "the repository is signed with another key")
def _(stage):
    root = stage.release.instance.trusted_root_json()
    stage.repository.publish(root)
    stage.ask = stage.refresh
    yield
    stage.repository.publish(root, version=2, signer=CryptoSigner.generate_ed25519())


@case("MOP3133", "an empty document is published as the root")
def _(stage):
    stage.repository.publish(stage.release.instance.trusted_root_json())
    stage.ask = stage.refresh
    yield
    stage.repository.publish(b"{}", version=2)


# Step 7: revocation.


@case("MOP3170", "the digest of the archive is revoked")
def _(stage):
    with stage.verify() as verified:
        digest = verified.sha256
    yield
    stage.policy(revoked={"sha256": [digest]})


@case("MOP3171", "the key is revoked")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.policy(revoked={"key_hints": [keys.hint_of(stage.key.public_key())]})


@case("MOP3172", "the identity is revoked")
def _(stage):
    yield
    stage.policy(revoked={"identities": [{"identity": "dev@localhost"}]})
