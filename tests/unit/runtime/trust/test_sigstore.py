"""Step 1 as seen from its own module: roots, and everything that can go wrong inside the library."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import pytest

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import _sigstore, anchors, signature_file
from mobileops.runtime.trust.rules import Root


@pytest.fixture
def check(release):
    def check_under(*roots):
        return _sigstore.check(signature_file.read(release.signature), anchors.read(roots).trusted_roots)

    return check_under


def root(path, name="root", *, optional=False):
    return Root(name, "private", path, optional=optional)


def refused(check, *roots):
    with pytest.raises(TrustRefused) as caught:
        check(*roots)
    return caught.value.code


def test_every_root_that_holds_is_reported_in_the_order_of_the_policy(release, foreign, check):
    other = root(foreign.directory / "trusted_root.json", "other")
    a, b = root(release.trusted_root, "a"), root(release.trusted_root, "b")
    assert check(other, b, a).roots == (b, a)


def test_without_roots_nobody_is_trusted(check):
    assert refused(check) == "MOP3110"


def test_a_missing_file_is_refused_unless_it_is_optional(release, check, tmp_path):
    good, missing = root(release.trusted_root), tmp_path / "missing.json"
    assert refused(check, good, root(missing)) == "MOP3106"
    assert check(root(missing, optional=True), good).roots == (good,)


def test_a_root_that_was_parsed_before_does_not_count_once_its_file_is_another(release, foreign, check, tmp_path):
    path = tmp_path / "root.json"
    path.write_bytes(release.trusted_root.read_bytes())
    assert check(root(path)).roots == (root(path),)
    path.write_bytes(foreign.trusted_root_json())
    assert refused(check, root(path)) == "MOP3110"


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json", '{"mediaType": "other"}'])
def test_a_damaged_root_is_refused_and_not_skipped(release, check, tmp_path, content):
    path = tmp_path / "root.json"
    path.write_text(content)
    assert refused(check, root(path, optional=True), root(release.trusted_root)) == "MOP3106"


def test_a_root_that_is_a_folder_or_too_large_is_refused(check, tmp_path):
    assert refused(check, root(tmp_path)) == "MOP3106"
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(1 << 40)
    assert refused(check, root(tmp_path / "large.json")) == "MOP3106"


@pytest.mark.parametrize(
    ("part", "code"), [("tlogs", "MOP3106"), ("ctlogs", "MOP3016"), ("timestampAuthorities", "MOP3014")]
)
def test_a_root_without_one_of_its_parts_vouches_for_nothing(release, check, tmp_path, part, code):
    document = json.loads(release.trusted_root.read_bytes())
    document[part] = []
    path = tmp_path / "root.json"
    path.write_text(json.dumps(document))
    assert refused(check, root(path)) == code


@pytest.mark.parametrize(
    ("part", "code"), [("tlogs", "MOP3019"), ("ctlogs", "MOP3016"), ("timestampAuthorities", "MOP3014")]
)
def test_a_root_with_one_part_of_another_instance_vouches_for_nothing(release, foreign, check, tmp_path, part, code):
    document = json.loads(release.trusted_root.read_bytes())
    document[part] = json.loads(foreign.trusted_root_json())[part]
    path = tmp_path / "root.json"
    path.write_text(json.dumps(document))
    assert refused(check, root(path)) == code


def test_a_root_makes_its_keys_and_authorities_once(release):
    library = _sigstore.TrustedRoot.from_file(str(release.trusted_root))
    kept = _sigstore._parse(release.trusted_root.read_bytes()).verifier._trusted_root
    for name in _sigstore.MADE_ANEW:
        words = () if name == "get_timestamp_authorities" else ("verify",)
        assert getattr(kept, name)(*words) is getattr(kept, name)(*words)
        # Control: a library that keeps them itself makes this a burden.
        assert getattr(library, name)(*words) is not getattr(library, name)(*words)


def test_a_chain_is_verified_once_for_a_certificate_and_a_time(release, monkeypatch):
    asked = []

    def chain(_verifier, certificate, result):
        asked.append((certificate, result.time))
        if result.time == "never valid":
            raise ValueError(result.time)
        return [certificate, result.time]

    monkeypatch.setattr(_sigstore.Verifier, "_verify_chain_at_time", chain)
    verifier = copy.copy(_sigstore._parse(release.trusted_root.read_bytes()).verifier)
    one, other = object(), object()
    for certificate, time in ((one, "noon"), (one, "noon"), (one, "night"), (other, "night"), (other, "night")):
        result = SimpleNamespace(time=time)
        assert verifier._verify_chain_at_time(certificate, result) == [certificate, time]
    assert asked == [(one, "noon"), (one, "night"), (other, "night")]
    for _ in range(2):  # a refusal is not remembered
        with pytest.raises(ValueError, match="never valid"):
            verifier._verify_chain_at_time(other, SimpleNamespace(time="never valid"))


class PanicError(BaseException):
    """Stands for a panic in a Rust extension, which is no Exception."""


@pytest.mark.parametrize("error", [ValueError, TypeError, RecursionError, MemoryError, AssertionError, PanicError])
def test_whatever_the_library_raises_is_a_refusal(release, check, monkeypatch, error):
    def crash(*_, **__):
        raise error("inside")

    monkeypatch.setattr(_sigstore.Verifier, "verify_dsse", crash)
    assert refused(check, root(release.trusted_root)) == "MOP3010"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_swallowed(release, check, monkeypatch, error):
    def interrupted(*_, **__):
        raise error

    monkeypatch.setattr(_sigstore.Verifier, "verify_dsse", interrupted)
    with pytest.raises(error):
        check(root(release.trusted_root))
