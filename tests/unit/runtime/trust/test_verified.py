"""Only verify() makes a VerifiedBundle: this is what lets the store take nothing else."""

from __future__ import annotations

import copy
import pickle

import pytest

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused
from mobileops.runtime.trust import VerifiedBundle


def test_it_cannot_be_constructed_directly(release):
    with open_bundle(release.archive) as bundle, pytest.raises(TypeError, match=r"only .*verify"):
        VerifiedBundle(object(), bundle=bundle, signer=None, signature=b"", anchors={})


def test_an_instance_made_around_the_constructor_holds_nothing():
    with pytest.raises(AttributeError):
        _ = object.__new__(VerifiedBundle).bundle


def test_it_cannot_be_subclassed():
    with pytest.raises(TypeError):
        type("Forged", (VerifiedBundle,), {})


def test_it_cannot_be_changed_copied_or_pickled(release):
    with release.verify() as verified:
        with pytest.raises(AttributeError):
            verified.sha256 = "0" * 64
        with pytest.raises(AttributeError):
            del verified.sha256
        for copying in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                copying(verified)


def test_leaving_the_block_closes_the_archive(release):
    with release.verify() as verified:
        verified.bundle.read("main.py", limit=100)
    with pytest.raises(BundleRefused):
        verified.bundle.read("main.py", limit=100)
