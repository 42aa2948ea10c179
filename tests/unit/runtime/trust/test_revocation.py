"""Step 7, and the same question at every start: archive, key, signer from a time on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mobileops.errors import TrustRefused


def code(policy, signer, sha256="0" * 64):
    try:
        policy.refuse_revoked(sha256, signer=signer, where="plugin")
    except TrustRefused as refused:
        return refused.code
    return None


BUILT = {
    "root": "public",
    "assurance": "public",
    "issuer": "https://issuer",
    "identity": "https://github.com/acme/plugins/x@refs/tags/v1",
    "claims": {"source_repository_identifier": "1234", "source_repository_owner_identifier": "99"},
    "signed_at": "2026-11-01T00:00:00+00:00",
}


def test_a_revoked_key_is_refused(fleet, key):
    with fleet.verify() as verified:
        hint = verified.signer.key_hint
    rule = {"plugins": ["tiny-*"], "key": fleet.key_file(key)}
    policy = fleet.policy(publishers=[rule], revoked={"key_hints": [hint]})
    assert fleet.refusal(policy=policy) == ("MOP3171", "untrusted")
    fleet.verify(policy=fleet.policy(publishers=[rule], revoked={"key_hints": ["A" * 43 + "="]})).bundle.close()


@pytest.mark.parametrize(("shift", "expected"), [(-1, "MOP3172"), (0, "MOP3172"), (1, None)])
def test_a_signer_is_revoked_for_what_was_signed_since(release, shift, expected):
    with release.verify() as verified:
        signed = datetime.fromisoformat(verified.signer.signed_at)
    after = (signed + timedelta(hours=shift)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = release.policy(revoked={"identities": [{"identity": "dev@localhost", "after": after}]})
    if expected is None:
        release.verify(policy=policy).bundle.close()
    else:
        assert release.refusal(policy=policy) == (expected, "untrusted")


@pytest.mark.parametrize(
    ("entry", "revoked"),
    [
        ({"repository_id": "1234"}, True),
        ({"repository_id": "1234", "after": "2026-11-01T00:00:00Z"}, True),
        ({"repository_id": "1234", "after": "2026-11-01T00:00:01Z"}, False),
        ({"repository_id": "12345"}, False),
        ({"owner_id": "99"}, True),
        ({"owner_id": "99", "issuer": "https://other"}, False),
        ({"identity": BUILT["identity"], "issuer": "https://issuer"}, True),
        ({"identity": "https://github.com/acme/plugins/x"}, False),
    ],
)
def test_every_demand_of_an_entry_has_to_fit(release, entry, revoked):
    policy = release.policy(revoked={"identities": [entry]})
    assert code(policy, BUILT) == ("MOP3172" if revoked else None)


def test_a_receipt_without_a_time_counts_as_late(release):
    policy = release.policy(revoked={"identities": [{"owner_id": "99", "after": "2030-01-01T00:00:00Z"}]})
    assert code(policy, BUILT) is None
    assert code(policy, {key: value for key, value in BUILT.items() if key != "signed_at"}) == "MOP3172"


def test_an_installed_archive_or_key_is_refused_at_the_next_start(release):
    policy = release.policy(revoked={"sha256": ["a" * 64], "key_hints": ["A" * 43 + "="]})
    assert code(policy, BUILT, "a" * 64) == "MOP3170"
    assert code(policy, {"root": "k", "assurance": "key", "key_hint": "A" * 43 + "="}) == "MOP3171"
    assert code(policy, BUILT) is None
