"""``mobileops verify``: report, explanation, remembered verdicts, installed plugins."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from mobileops.cli import remembered
from mobileops.runtime.home import Home, default_root
from mobileops.toolchain.sign import KeySigner, sign_bundle
from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.signed_bundle import Publisher
from tests.fakes.unmeasured import run_python

if TYPE_CHECKING:
    import subprocess

    from tests.unit.cli.conftest import Run

SCHEMA = json.loads((Path(__file__).parents[3] / "schema/cli/verify.v1.schema.json").read_text())
SLOW = (
    "sigstore",
    "msgspec",
    "dataclasses",
    "tempfile",
    "cryptography.x509",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.backends",
)
HEAVY = ("sigstore", "cryptography", "msgspec", "argparse", "pathlib", "typing", "json", "re")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path / "work").publish("echo", permissions=["network.http"])


def verifying(program: str, bundle: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Have a program of one line verify a bundle, in a process of its own that knows the home of the fixture."""
    home = str(bundle.parents[2] / "home")
    return run_python(*options, "-c", program, "verify", str(bundle), MOBILEOPS_HOME=home, **environment)


def reported(result: tuple[int, str, str]) -> dict[str, object]:
    """Return the JSON of a report, checked."""
    document: dict[str, object] = json.loads(result[1])
    jsonschema.validate(document, SCHEMA)
    return document


def test_a_second_verification_answers_from_memory_with_the_same_facts(mobileops: Run, bundle: Path) -> None:
    first = reported(mobileops("verify", str(bundle), "--json"))
    second = reported(mobileops("verify", str(bundle), "--json"))
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert first == second
    assert "cached: yes" in mobileops("verify", str(bundle))[1]
    assert reported(mobileops("verify", "--json", str(bundle)))["cached"]


def test_a_bundle_that_is_named_by_its_plugin_is_remembered_too(
    mobileops: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle.parent)
    for expected in (False, True):
        assert reported(mobileops("verify", "echo", "--json"))["cached"] is expected
    assert reported(mobileops("verify", bundle.name, "--json"))["cached"]
    assert reported(mobileops("verify", f"./{bundle.name}", "--json"))["cached"]


def test_a_remembered_bundle_that_changed_is_refused(mobileops: Run, bundle: Path) -> None:
    assert mobileops("verify", str(bundle))[0] == 0
    bundle.write_bytes(bundle.read_bytes() + b"x")
    assert mobileops("verify", str(bundle))[0] in {1, 3}


def test_a_remembered_bundle_that_was_revoked_is_refused(mobileops: Run, bundle: Path) -> None:
    assert mobileops("verify", str(bundle))[0] == 0
    assert mobileops("trust", "revoke", "--sha256", str(bundle))[0] == 0
    code, _out, err = mobileops("verify", str(bundle))
    assert (code, "MOP3170" in err) == (3, True)


def test_a_remembered_verdict_costs_no_heavy_import(mobileops: Run, bundle: Path) -> None:
    mobileops("verify", str(bundle))
    program = (
        "import sys; from mobileops.cli.main import main; before = set(sys.modules); code = main(sys.argv[1:]);"
        f"sys.exit(code or ','.join(name for name in {HEAVY!r} if name in set(sys.modules) - before) or 0)"
    )
    run = verifying(program, bundle, "-S", PYTHONPATH=os.pathsep.join(sys.path))
    assert (run.returncode, run.stderr, "cached: yes" in run.stdout) == (0, "", True)


@pytest.mark.parametrize(
    "environment",
    [
        {"MOBILEOPS_HOME": "/x"},
        {"MOBILEOPS_HOME": "relative"},
        {"MOBILEOPS_HOME": "../beside"},
        {"MOBILEOPS_HOME": "/proc/self/../x"},
        {"MOBILEOPS_HOME": ""},
        {"XDG_DATA_HOME": "/d"},
        {"HOME": "/h"},
        {},
    ],
)
@pytest.mark.parametrize("uid", [0, 1000])
def test_the_short_way_looks_in_the_same_home(environment: dict[str, str], uid: int) -> None:
    assert Path(remembered.root(environment, uid=uid)) == default_root(environment, uid=uid)


def test_the_short_way_looks_at_the_same_files(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert [tmp_path / name for name in remembered.INPUTS] == [home.trust_policy, home.pins, home.trust_state]
    assert tmp_path / remembered.VERDICTS == home.verdicts


def test_a_key_is_verified_without_what_would_take_longer_than_the_verification(
    mobileops: Run, bundle: Path, tmp_path: Path
) -> None:
    key = make_key()
    sign_bundle(bundle, signer=KeySigner(key))
    (tmp_path / "fleet.pub").write_bytes(public_pem(key))
    assert mobileops("trust", "add", "key", str(tmp_path / "fleet.pub"), "--plugins", "echo")[0] == 0
    program = (
        "import sys; from mobileops.cli.main import main; code = main(sys.argv[1:]);"
        f"sys.exit(code or ','.join(name for name in {SLOW!r} if name in sys.modules) or 0)"
    )
    run = verifying(program, bundle, "-S", PYTHONPATH=os.pathsep.join(sys.path))
    assert (run.returncode, run.stderr, "assurance: key" in run.stdout) == (0, "", True)


def test_verifying_imports_nothing_that_speaks_to_a_plugin_manager_or_installs(bundle: Path) -> None:
    program = (
        "import sys; from mobileops.cli.main import main; code = main(sys.argv[1:]);"
        "parts = ('.channel', '.manager', 'store.operations');"
        "sys.exit(code or ','.join(name for name in sys.modules if any(part in name for part in parts)) or 0)"
    )
    run = verifying(program, bundle)
    assert (run.returncode, run.stderr) == (0, "")


def test_every_step_is_explained(mobileops: Run, bundle: Path) -> None:
    code, out, _err = mobileops("verify", "--explain", str(bundle))
    times = re.findall(r"signed at (\S+?),?$|signed at (\S+),", out, re.MULTILINE)
    assert times
    assert len(times) == len(set(times))  # what log and time stamp both state is said once
    assert (code, out.count(": passed\n"), out.count("accepted:")) == (0, 8, 8)
    document = reported(mobileops("verify", "--explain", "--json", str(bundle)))
    assert [step["number"] for step in document["steps"]] == list(range(8))  # type: ignore[attr-defined]


def test_a_refusal_explains_what_would_have_been_accepted(mobileops: Run, bundle: Path, tmp_path: Path) -> None:
    rule = {"plugins": ["echo"], "root": "local", "issuer": "https://login", "identity": "boss@corp"}
    roots = {"local": {"local_instance": True, "assurance": "local"}}
    policy = {"version": 1, "roots": roots, "publishers": [rule]}
    (tmp_path / "home" / "trust.json").write_text(json.dumps(policy))
    code, out, err = mobileops("verify", "--explain", str(bundle))
    assert (code, "2 signer: REFUSED [MOP3112]" in out, "identity 'boss@corp'" in out) == (3, True, True)
    assert "outcome: untrusted" in err
    document = reported(mobileops("verify", "--explain", "--json", str(bundle)))
    assert (document["outcome"], document["steps"][-1]["code"]) == ("untrusted", "MOP3112")  # type: ignore[index]


def test_each_outcome_is_reported_as_itself(mobileops: Run, bundle: Path) -> None:
    signature = Path(f"{bundle}.sigstore.json")
    good = signature.read_bytes()
    signature.write_bytes(b"{}")
    assert reported(mobileops("verify", "--json", str(bundle)))["outcome"] == "invalid"
    signature.unlink()
    assert reported(mobileops("verify", "--json", str(bundle)))["outcome"] == "unsigned"
    signature.write_bytes(good)
    bundle.write_bytes(b"PK")
    assert reported(mobileops("verify", "--json", str(bundle)))["outcome"] == "invalid"


def test_a_bundle_stripped_of_its_signature_has_a_code_of_its_own(mobileops: Run, bundle: Path) -> None:
    assert mobileops("install", str(bundle))[0] == 0
    Path(f"{bundle}.sigstore.json").unlink()
    for verb in ("verify", "install"):
        code, _out, err = mobileops(verb, str(bundle))
        assert (code, "MOP3009" in err) == (3, True)


def test_an_installed_plugin_is_verified_again_file_by_file(mobileops: Run, bundle: Path, tmp_path: Path) -> None:
    mobileops("install", str(bundle))
    document = reported(mobileops("verify", "--deep", "--explain", "--json", "echo"))
    assert (document["outcome"], len(document["steps"])) == ("trusted", 8)  # type: ignore[arg-type]
    (installed,) = (tmp_path / "home" / "store" / "echo").glob("*/main.py")
    installed.chmod(0o644)
    installed.write_text("evil = True\n")
    code, _out, err = mobileops("verify", "--deep", "echo")
    assert (code, "MOP3060" in err, "main.py" in err) == (3, True, True)


def test_an_installed_plugin_without_its_signature_is_refused(mobileops: Run, bundle: Path, tmp_path: Path) -> None:
    mobileops("install", str(bundle))
    (signature,) = (tmp_path / "home" / "store" / "echo").glob("*.sigstore.json")
    kept = signature.read_bytes()
    signature.unlink()
    assert reported(mobileops("verify", "--deep", "--json", "echo"))["outcome"] == "unsigned"
    signature.write_bytes(kept)
    (table,) = (tmp_path / "home" / "store" / "echo").glob("*/.mobileops/files.json")
    table.unlink()
    assert "MOP3042" in mobileops("verify", "--deep", "echo")[2]


def test_deep_wants_the_name_of_an_installed_plugin(mobileops: Run, bundle: Path) -> None:
    assert mobileops("verify", "--deep", str(bundle))[0] == 2
    assert mobileops("verify", "--deep", "echo")[0] == 1


def test_an_old_root_is_said_and_not_refused(mobileops: Run, bundle: Path, tmp_path: Path) -> None:
    roots = {
        "local": {"local_instance": True, "assurance": "local"},
        "corp": {"trusted_root": "corp.json", "assurance": "private"},
    }
    (tmp_path / "home" / "corp.json").write_bytes((tmp_path / "home" / "sigstore" / "trusted_root.json").read_bytes())
    os.utime(tmp_path / "home" / "corp.json", (1, 1))
    policy = {"version": 1, "roots": roots, "max_root_age_days": 30}
    (tmp_path / "home" / "trust.json").write_text(json.dumps(policy))
    for verb in ("verify", "verify", "install"):  # verified, remembered, installed
        code, _out, err = mobileops(verb, str(bundle))
        assert (code, "warning: the trust root 'corp' is from 1970-01-01" in err) == (0, True)
