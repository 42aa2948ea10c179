"""A contract that was never seen to break may be unable to: each is broken once, in a copy of the sources."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.packaging.checkout_copy import ROOT, copy_checkout

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = "runtime_min/mobileops"
TOOLCHAIN = "toolchain/mobileops/toolchain"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# Contract -> a line that breaks it, and the module it is added to.
VIOLATIONS = {
    "portions": (f"{RUNTIME}/errors.py", "import mobileops.bundle.limits"),
    "toolchain-layers": (f"{TOOLCHAIN}/pack/__init__.py", "import mobileops.toolchain.sign"),
    "runtime-layers": (f"{RUNTIME}/runtime/routing/messages.py", "import mobileops.runtime.permissions.usage"),
    "rules-are-independent": (
        f"{TOOLCHAIN}/checks/rules/hooks.py",
        "import mobileops.toolchain.checks.rules.plugin_name",
    ),
    "verbs-are-leaves": (f"{RUNTIME}/cli/main.py", "import mobileops.cli.commands.list"),
    "device-is-light": (f"{RUNTIME}/runtime/logs.py", "import yaml"),
    "sandboxed-side": (f"{RUNTIME}/runtime/channel/rpc.py", "import cryptography"),
    "policy-is-pure": (f"{RUNTIME}/runtime/isolation/policy.py", "import socket"),
    "sigstore-behind-two-doors": (f"{RUNTIME}/runtime/store/operations.py", "import sigstore.verify"),
    "tuf-behind-three-doors": (f"{RUNTIME}/runtime/store/operations.py", "import tuf.api.metadata"),
    "one-way-to-verify": (f"{RUNTIME}/runtime/store/operations.py", "import mobileops.runtime.trust.verified"),
    "acyclic": (f"{RUNTIME}/bundle/limits.py", "import mobileops.bundle.reader"),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return copy_checkout(tmp_path, "pyproject.toml", "runtime_min", "toolchain")


def broken(sources: Path) -> set[str]:
    """Run import-linter over the copy, and return the ids of the contracts it calls broken.

    Without ``site`` (-S), or an editable install of the checkout would join the copy in the namespace.
    """
    path = [
        sources / "runtime_min",
        sources / "toolchain",
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
    ]
    environment = {"COLUMNS": "200", "PYTHONPATH": ":".join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-S", "-c", program, "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    verdicts = dict(re.findall(r"^(\S.*) (KEPT|BROKEN)\b", run.stdout, flags=re.MULTILINE))
    assert set(verdicts) == {contract["name"] for contract in CONTRACTS}, run.stdout + run.stderr
    assert (run.returncode == 0) == ("BROKEN" not in verdicts.values())
    return {contract["id"] for contract in CONTRACTS if verdicts[contract["name"]] == "BROKEN"}


def test_the_sources_keep_every_contract(sources: Path) -> None:
    assert broken(sources) == set()


def test_every_contract_has_a_violation_here() -> None:
    assert [contract["id"] for contract in CONTRACTS] == list(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_breaks_its_contract_and_no_other(sources: Path, contract: str) -> None:
    module, line = VIOLATIONS[contract]
    with (sources / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert broken(sources) == {contract}


@pytest.mark.parametrize(
    ("module", "contract"),
    [
        (f"{RUNTIME}/extras.py", "portions"),
        (f"{RUNTIME}/runtime/extras.py", "runtime-layers"),
        (f"{TOOLCHAIN}/extras.py", "toolchain-layers"),
    ],
)
def test_a_module_without_a_layer_is_refused(sources: Path, module: str, contract: str) -> None:
    (sources / module).touch()
    assert broken(sources) == {contract}


def test_a_door_is_needed_for_sigstore(sources: Path) -> None:
    """The control of sigstore-behind-two-doors: through the door in trust it is no violation."""
    with (sources / RUNTIME / "runtime/trust/_sigstore.py").open("a") as file:
        file.write("\nimport sigstore.verify\n")
    assert broken(sources) == set()
