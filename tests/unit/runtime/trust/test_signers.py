"""Step 2: who may publish a name, by rule, by pin, or by coming first."""

from __future__ import annotations

import json

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import Pin, TrustPolicy, signers
from mobileops.runtime.trust.checked import Checked
from mobileops.runtime.trust.rules import Root
from mobileops.runtime.trust.squatting import imitated

GITHUB = "https://token.actions.githubusercontent.com"
REPOSITORY = "https://github.com/acme/plugins"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml"
CLAIMS = {
    "source_repository_uri": REPOSITORY,
    "source_repository_identifier": "1234",
    "source_repository_owner_identifier": "99",
    "source_repository_ref": "refs/tags/v1",
    "build_config_uri": f"{WORKFLOW}@refs/tags/v1",
    "build_trigger": "push",
}
RULE = {
    "plugins": ["acme-*"],
    "root": "public",
    "issuer": GITHUB,
    "repository": "acme/plugins",
    "repository_id": "1234",
    "owner_id": "99",
    "workflow": "release.yml",
    "ref_prefix": "refs/tags/",
    "trigger": ["push", "release"],
}
PUBLIC = Root("public", "public")
CORP = Root("corp", "private")
LOCAL = Root("local", "local")
KEY = Root("fleet", "key", keys=("k.pub",))


def built(*, root=PUBLIC, identity=f"{WORKFLOW}@refs/tags/v1", **claims):
    found = {key: value for key, value in (CLAIMS | claims).items() if value is not None}
    named = {"issuer": GITHUB, "identity": identity, "claims": found}
    return Checked(roots=(root,), payload_type="", payload=b"", **named)


def by_mail(identity="dev@corp", root=CORP):
    return Checked(roots=(root,), payload_type="", payload=b"", issuer="https://login", identity=identity)


def by_key(hint="h" * 43 + "=", root=KEY):
    return Checked(roots=(root,), payload_type="", payload=b"", key_hint=hint)


@pytest.fixture
def policy(tmp_path):
    def load(*publishers):
        roots = {
            "public": {"public_instance": True, "assurance": "public"},
            "corp": {"trusted_root": "corp.json", "assurance": "private"},
            "fleet": {"keys": ["k.pub"], "assurance": "key"},
        }
        document = {"version": 1, "roots": roots, "publishers": publishers}
        (tmp_path / "trust.json").write_text(json.dumps(document))
        return TrustPolicy.load(tmp_path / "trust.json", local_root=tmp_path / "none")

    return load


def decide(checked, policy, *, name="acme-pay", pins=None):
    return signers.decide(name, checked, policy=policy, pins=pins or {}, where="x.zip")


def code(checked, policy, **keywords):
    with pytest.raises(TrustRefused) as caught:
        decide(checked, policy, **keywords)
    assert caught.value.outcome == "untrusted"
    return caught.value.code


def pin_of(checked):
    root = checked.roots[0]
    return Pin.of(signers.Signer(root.name, root.assurance, checked.issuer, checked.identity, None, checked.claims))


def test_a_build_that_meets_every_demand_of_its_rule_is_accepted(policy):
    signer = decide(built(), policy(RULE))
    assert (signer.repository, signer.workflow, signer.ref) == (
        "acme/plugins",
        ".github/workflows/release.yml",
        "refs/tags/v1",
    )
    assert signer.to_dict()["claims"]["source_repository_owner_identifier"] == "99"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"root": CORP}, "MOP3111"),
        ({"source_repository_uri": "https://github.com/mallory/plugins"}, "MOP3117"),
        ({"source_repository_uri": "https://gitlab.com/acme/plugins"}, "MOP3117"),
        ({"source_repository_uri": "https://github.com/acme/plugins-evil"}, "MOP3117"),
        ({"source_repository_uri": None}, "MOP3117"),
        ({"source_repository_identifier": "6666"}, "MOP3118"),
        ({"source_repository_identifier": None}, "MOP3118"),
        ({"source_repository_owner_identifier": "66"}, "MOP3119"),
        ({"build_config_uri": f"{REPOSITORY}/.github/workflows/other.yml@refs/tags/v1"}, "MOP3120"),
        ({"build_config_uri": f"{REPOSITORY}/release.yml@refs/tags/v1"}, "MOP3120"),
        ({"build_config_uri": "https://github.com/mallory/x/.github/workflows/release.yml@refs/tags/v1"}, "MOP3120"),
        ({"build_config_uri": None}, "MOP3120"),
        ({"source_repository_ref": "refs/heads/main"}, "MOP3121"),
        ({"source_repository_ref": None}, "MOP3121"),
        ({"build_trigger": "pull_request"}, "MOP3122"),
        ({"build_trigger": None}, "MOP3122"),
    ],
    ids=[
        "root",
        "fork",
        "other host",
        "longer name",
        "no repository",
        "registered again",
        "no number",
        "other owner",
        "other workflow",
        "other folder",
        "other repository's workflow",
        "no workflow",
        "branch",
        "no ref",
        "pull request",
        "no trigger",
    ],
)
def test_a_build_that_misses_one_demand_is_refused_with_the_code_of_the_demand(policy, changes, expected):
    assert code(built(**changes), policy(RULE)) == expected


def test_a_rule_for_one_ref_accepts_no_longer_one(policy):
    rule = {key: value for key, value in RULE.items() if key != "ref_prefix"} | {"ref": "refs/tags/v1"}
    decide(built(), policy(rule))
    assert code(built(source_repository_ref="refs/tags/v10"), policy(rule)) == "MOP3121"


def test_a_workflow_of_another_forge_is_named_by_its_path(policy):
    uri = "https://gitlab.com/acme/plugins"
    rule = {
        "plugins": ["acme-*"],
        "root": "public",
        "issuer": GITHUB,
        "repository": uri,
        "workflow": "ci/.gitlab-ci.yml",
    }
    claims = {"source_repository_uri": uri, "build_config_uri": f"{uri}//ci/.gitlab-ci.yml@refs/heads/main"}
    assert decide(built(**claims), policy(rule)).workflow == "ci/.gitlab-ci.yml"


def test_another_issuer_or_identity_is_refused(policy):
    rule = {"plugins": ["acme-*"], "root": "corp", "issuer": "https://login", "identity": "dev@corp"}
    decide(by_mail(), policy(rule))
    assert code(by_mail("dev@corp.evil"), policy(rule)) == "MOP3113"
    assert code(by_mail(), policy(rule | {"issuer": "https://log"})) == "MOP3112"


def test_a_name_of_a_rule_for_a_root_of_keys_takes_its_keys_only(policy):
    rule = {"plugins": ["acme-*"], "root": "fleet"}
    decide(by_key(), policy(rule))
    assert code(by_key(root=Root("key:other.pub", "key", keys=("other.pub",), own=True)), policy(rule)) == "MOP3116"
    assert code(by_mail(), policy(rule)) == "MOP3111"


def test_a_key_does_not_meet_a_rule_about_identities(policy):
    assert code(by_key(), policy(RULE)) == "MOP3111"


def test_the_key_of_a_rule_may_not_sign_other_names(policy):
    own = Root("key:fleet.pub", "key", keys=("fleet.pub",), own=True)
    policy = policy({"plugins": ["acme-*"], "key": "fleet.pub"})
    assert decide(by_key(root=own), policy).key_hint
    assert code(by_key(root=own), policy, name="zebra") == "MOP3128"


@pytest.mark.parametrize("name", ["acme", "acrne-pay", "acm-e", "acrne", "acme--x"])
def test_a_name_that_looks_like_one_of_a_rule_is_refused_unless_pinned(policy, name):
    if name.startswith("acme-"):  # a doubled hyphen still begins with the prefix: the rule owns it
        assert code(by_mail(), policy(RULE), name=name) == "MOP3111"
        return
    assert code(by_mail(), policy(RULE), name=name) == "MOP3124"
    decide(by_mail(), policy(), name=name)  # control: without the rule the name is free
    decide(by_mail(), policy(RULE), name=name, pins={name: pin_of(by_mail())})


@pytest.mark.parametrize("name", ["acmepay", "acceme-pay", "zebra", "pay-acme-x"])
def test_a_name_that_only_resembles_is_free(policy, name):
    decide(by_mail(), policy(RULE), name=name)


@pytest.mark.parametrize("name", ["pay-1ink", "paylink", "pay-llnk"])
def test_a_name_that_looks_like_an_exact_one_is_refused(policy, name):
    assert code(by_mail(), policy(RULE | {"plugins": ["pay-link"]}), name=name) == "MOP3124"


def test_a_rule_for_every_name_leaves_no_name_to_imitate(policy):
    rule = {"plugins": ["*"], "root": "corp", "issuer": "https://login", "identity": "dev@corp"}
    assert imitated("anything", policy(rule).rules.publishers) is None


def test_a_lone_asterisk_is_imitated_by_nothing(policy):
    rule = {"plugins": ["*"], "root": "corp", "issuer": "https://login", "identity": "dev@corp"}
    decide(by_mail(), policy(rule), name="anything")


def test_a_build_is_pinned_by_its_numbers_so_that_the_next_tag_fits(policy):
    pins = {"zebra": pin_of(built())}
    later = built(
        identity=f"{WORKFLOW}@refs/tags/v2",
        source_repository_ref="refs/tags/v2",
        build_config_uri=f"{WORKFLOW}@refs/tags/v2",
    )
    decide(later, policy(), name="zebra", pins=pins)
    assert "identity" not in pins["zebra"].to_dict()


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (built(), built(source_repository_identifier="6666"), "MOP3127"),
        (built(), built(source_repository_owner_identifier="66"), "MOP3127"),
        (built(), built(build_config_uri=f"{REPOSITORY}/.github/workflows/x.yml@refs/tags/v1"), "MOP3114"),
        (by_mail(), by_mail("other@corp"), "MOP3114"),
        (built(), by_mail(), "MOP3125"),
        (built(), by_mail(root=LOCAL), "MOP3125"),
        (by_mail(), by_mail(root=LOCAL), "MOP3125"),
        (built(), by_key(), "MOP3126"),
        (by_mail(root=LOCAL), by_key(), "MOP3126"),
        (by_mail(root=LOCAL), built(), "MOP3114"),
    ],
    ids=[
        "registered again",
        "owner again",
        "workflow",
        "person",
        "public to private",
        "public to local",
        "private to local",
        "identity to key",
        "local to key",
        "local to public",
    ],
)
def test_another_signer_than_the_pinned_one_is_refused_with_what_changed(policy, first, then, expected):
    pins = {"zebra": pin_of(first)}
    decide(first, policy(), name="zebra", pins=pins)  # control: the pinned signer may come again
    assert code(then, policy(), name="zebra", pins=pins) == expected


def test_another_key_than_the_pinned_one_is_refused(policy):
    pins = {"zebra": Pin(root="fleet", assurance="key", key_hint="h" * 43 + "=")}
    decide(by_key(), policy(), name="zebra", pins=pins)
    assert code(by_key("i" * 43 + "="), policy(), name="zebra", pins=pins) == "MOP3114"


def test_what_would_be_accepted_is_said_for_rule_pin_and_newcomer(policy):
    assert "repository_id '1234'" in signers.accepted("acme-x", policy=policy(RULE), pins={})
    assert "dev@corp" in signers.accepted("zebra", policy=policy(), pins={"zebra": pin_of(by_mail())})
    assert "repository 1234" in signers.accepted("zebra", policy=policy(), pins={"zebra": pin_of(built())})
    key = Pin(root="fleet", assurance="key", key_hint="abc=")
    assert "the key abc=" in signers.accepted("zebra", policy=policy(), pins={"zebra": key})
    assert "then pinned" in signers.accepted("zebra", policy=policy(), pins={})
