"""``mobileops test --bundle``: the tests that a bundle carries, in the real sandbox."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.bundle import open_bundle, signature_path
from mobileops.runtime.home import Home
from mobileops.toolchain.pipeline import bundle_testing
from mobileops.toolchain.sign import KeySigner
from mobileops.toolchain.testrun import junit, run_tests
from tests.fakes.key_signature import trusted_key
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Run

OWN = """
    def test_echo(plugin):
        assert plugin.echo(1) == 1
"""
WANTS_A_PROCESS = """
    from mobileops.plugin.testing import PluginTestCase

    class TestIt(PluginTestCase):
        sandboxed = True

        def test_it(self):
            self.load_plugin("echo")
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def build(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Return what builds a plugin and signs it with a key that the policy trusts."""
    key = trusted_key(home, tmp_path)

    def run(test: str, **plugin: Any) -> Path:
        files = {"tests/test_it.py": test, **plugin.pop("files", {})}
        return Publisher(home, tmp_path).publish_as(KeySigner(key), "echo", files=files, **plugin)

    return run


def test_its_own_and_the_generated_tests_run(mobileops: Run, build: Callable[..., Path], tmp_path: Path) -> None:
    bundle = build(OWN, files={"tests/test_other.py": WANTS_A_PROCESS})
    with open_bundle(bundle) as opened:
        assert {"tests/test_it.py", "tests/test_other.py"} <= {one.name for one in opened.members}
    code, out, err = mobileops("test", "--bundle", str(bundle), "--junit", "out/j.xml")
    assert code == 0, out + err
    assert "conformance/test_methods.py" in out
    assert ", 1 skipped (pytest)" in err
    (suite,) = ET.parse(tmp_path / "out" / "j.xml").getroot()  # noqa: S314 - our own
    names = [case.get("name") for case in suite]
    assert "test_echo" in names
    assert "test_its_health_check_answers" in names


@pytest.mark.parametrize("how", ["unsigned", "untrusted", "damaged"])
def test_what_could_not_be_installed_is_not_tested(
    mobileops: Run, build: Callable[..., Path], home: Home, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    bundle = build(OWN)
    if how == "unsigned":
        signature_path(bundle).unlink()
    elif how == "untrusted":
        home.trust_policy.unlink()
    else:
        bundle.write_bytes(bundle.read_bytes() + b"x")
    monkeypatch.setattr(bundle_testing, "Launcher", None)  # nothing of it may start
    _code, _out, installing = mobileops("install", str(bundle))
    code, out, err = mobileops("test", "--bundle", str(bundle))
    assert (code, out) == (3, "")
    refusal = installing.partition("[")[2].partition("]")[0]
    assert refusal.startswith("MOP")
    assert f"[{refusal}]" in err


def test_its_tests_reach_nothing_outside(
    mobileops: Run, build: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILEOPS_LANGUAGE", "en")
    (tmp_path / "secret").write_text("correct horse")
    attack = f"""
        import os
        from pathlib import Path

        def test_read():
            print(Path({str(tmp_path / "secret")!r}).read_text())
            assert False, "shown"

        def test_write():
            Path({str(tmp_path / "marker")!r}).write_text("escaped")

        def test_environment():
            assert "MOBILEOPS_LANGUAGE" not in os.environ

        def test_terminal():
            print("\\x1b[2J")
            assert False
    """
    bundle = build(attack, permissions=["filesystem.read", "filesystem.write", "system.environment"])
    code, out, err = mobileops("test", "--bundle", str(bundle), "--no-conformance")
    assert (code, "correct horse" in out, (tmp_path / "marker").exists()) == (1, False, False), out
    assert "filesystem.read, filesystem.write, system.environment; --accept-permissions" in err
    assert "\x1b" not in out
    assert "1 passed, 3 failed" in err
    found = run_tests(tmp_path / "echo")  # from the source folder, as plain 'test': the same tests do it
    assert ("correct horse" in found.output, (tmp_path / "marker").exists()) == (True, True), found.output


def test_what_is_accepted_is_given(mobileops: Run, build: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    test = """
        import os

        def test_it():
            assert os.environ["MOBILEOPS_LANGUAGE"] == "en"
    """
    bundle = build(test, permissions=["system.environment:MOBILEOPS_LANGUAGE"])
    monkeypatch.setenv("MOBILEOPS_LANGUAGE", "en")
    code, out, err = mobileops("test", "--bundle", str(bundle), "--no-conformance", "--accept-permissions")
    assert (code, "do not get" in err) == (0, False), out + err


@pytest.mark.parametrize("told", [b"", b"[]", b"[" * 100_000, b'{"status": Infinity, "report": {}, "junit": null}'])
def test_what_tests_tell_is_not_believed_to_have_a_form(told: bytes) -> None:
    assert bundle_testing._parsed(told) == (None, {}, "")


def test_a_report_that_could_not_be_written_again_is_none(tmp_path: Path) -> None:
    (tmp_path / "j.xml").write_text("<testsuite>" * 5000 + "</testsuite>" * 5000)
    assert junit.suites(tmp_path / "j.xml") == []


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("import os\ndef test_it(): os.write(3, b'[]\\n'); os._exit(0)\n", "before they could be counted"),
        ("", "no tests of its own"),
    ],
)
def test_what_cannot_be_counted_has_not_passed(
    mobileops: Run, build: Callable[..., Path], tmp_path: Path, test: str, said: str
) -> None:
    code, _out, err = mobileops("test", "--bundle", str(build(test)), "--junit", "j.xml")
    assert (code, said in err) == (1, True), err
    assert len(ET.parse(tmp_path / "j.xml").getroot()) == 1  # noqa: S314 - our own


def test_tests_that_do_not_end_are_stopped(
    mobileops: Run, build: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = build("import time\ndef test_it(): time.sleep(3600)\n")
    monkeypatch.setitem(bundle_testing.run_bundle_tests.__kwdefaults__, "timeout_s", 0.5)
    code, _out, err = mobileops("test", "--bundle", str(bundle), "--no-conformance")
    assert (code, "did not finish within 0.5 s" in err) == (1, True), err


@pytest.mark.parametrize(
    "words",
    [
        ("--accept-permissions",),
        ("echo", "--bundle", "x.zip"),
        ("--bundle", "x.zip", "--coverage"),
        ("--bundle", "x.zip", "--python", "3.11"),
    ],
)
def test_what_does_not_go_together_is_said(mobileops: Run, words: tuple[str, ...]) -> None:
    code, _out, err = mobileops("test", *words)
    assert (code, "MOP2618" in err) == (2, True), err
