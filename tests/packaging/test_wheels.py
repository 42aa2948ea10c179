"""The traps of two distributions in one namespace; each was stepped into once while the layout was chosen."""

from __future__ import annotations

import email.parser
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.packaging.checkout_copy import PROJECTS, ROOT, build, tracked

DATA = "mobileops/toolchain/_data/"
PORTIONS = {
    "mobileops_runtime": {"bundle", "cli", "manifest", "plugin", "runtime"},
    "mobileops_toolchain": {"toolchain"},
}


def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> email.message.Message:
    (name,) = (name for name in members(wheel) if name.endswith(".dist-info/METADATA"))
    return email.parser.BytesParser().parsebytes(contents(wheel)[name])


def code_of(wheel: Path) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in members(wheel) if name.startswith("mobileops/") and DATA not in name]


@pytest.mark.parametrize("distribution", PROJECTS)
def test_no_wheel_closes_the_namespace(wheels: dict[str, Path], distribution: str) -> None:
    """One mobileops/__init__.py would hide the other distribution, whichever comes first on the path."""
    assert "mobileops/__init__.py" not in members(wheels[distribution])


@pytest.mark.parametrize("distribution", PROJECTS)
def test_every_portion_package_is_marked_as_typed(wheels: dict[str, Path], distribution: str) -> None:
    portions = {path.parts[1] for path in code_of(wheels[distribution]) if len(path.parts) > 2}
    assert portions == PORTIONS[distribution]
    assert {f"mobileops/{portion}/py.typed" for portion in portions} <= set(members(wheels[distribution]))


@pytest.mark.parametrize("distribution", PROJECTS)
def test_a_wheel_has_the_licence_text(wheels: dict[str, Path], distribution: str) -> None:
    texts = [text for name, text in contents(wheels[distribution]).items() if name.endswith("licenses/LICENSE")]
    assert texts == [(ROOT / "LICENSE").read_bytes()]


def test_the_data_of_the_wheel_is_what_git_has(wheels: dict[str, Path]) -> None:
    """An unanchored pattern in .gitignore once dropped the lib/ folder of a template, without a word."""
    packaged = {name.removeprefix(DATA) for name in members(wheels["mobileops_toolchain"]) if name.startswith(DATA)}
    assert packaged == set(tracked("schema", "cookiecutters"))


def test_manual_and_completions_lie_where_man_and_the_shells_look(wheels: dict[str, Path], checkout: Path) -> None:
    everything = contents(wheels["mobileops_runtime"]).items()
    texts = {name.partition(".data/data/share/")[2]: text for name, text in everything}
    found = {name: text for name, text in texts.items() if name}
    folder = checkout / "runtime_min"
    completions = folder / "mobileops" / "cli" / "completions"
    assert found == {
        "man/man1/mobileops.1": (folder / "man" / "mobileops.1").read_bytes(),
        "bash-completion/completions/mobileops": (completions / "mobileops.bash").read_bytes(),
        "zsh/site-functions/_mobileops": (completions / "_mobileops").read_bytes(),
        "fish/vendor_completions.d/mobileops.fish": (completions / "mobileops.fish").read_bytes(),
    }


def test_no_bytecode_reaches_the_data_of_the_wheel(checkout: Path, tmp_path: Path) -> None:
    """Bytecode beside a template would be copied into every new plugin, and signed there."""
    template = next((checkout / "cookiecutters").glob("*/*/main.py")).parent
    (template / "__pycache__").mkdir()
    stray = template / "__pycache__" / "main.cpython-311.pyc"
    stray.write_bytes(b"stray")
    try:
        wheel = build(checkout, "wheel", into=tmp_path / "out")
    finally:
        stray.unlink()
        stray.parent.rmdir()
    assert [name for name in members(wheel) if "__pycache__" in name or name.endswith(".pyc")] == []


@pytest.mark.parametrize(("distribution", "folder"), PROJECTS.items())
def test_a_wheel_built_twice_is_the_same_bytes(
    checkout: Path, wheels: dict[str, Path], tmp_path: Path, distribution: str, folder: str
) -> None:
    again = build(checkout / folder, "wheel", into=tmp_path / "out")
    assert again.read_bytes() == wheels[distribution].read_bytes()


@pytest.mark.parametrize(("distribution", "folder"), PROJECTS.items())
def test_a_wheel_from_the_sdist_equals_the_direct_one(
    checkout: Path, wheels: dict[str, Path], tmp_path: Path, distribution: str, folder: str
) -> None:
    sdist = build(checkout / folder, "sdist", into=tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in every 3.11
        archive.extractall(tmp_path / "unpacked")  # noqa: S202  what was built a moment ago
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheel = build(unpacked, "wheel", into=tmp_path / "wheel")
    assert contents(wheel) == contents(wheels[distribution])


def test_both_distributions_and_the_pin_have_one_version(wheels: dict[str, Path]) -> None:
    toolchain, runtime = metadata(wheels["mobileops_toolchain"]), metadata(wheels["mobileops_runtime"])
    assert toolchain["Version"] == runtime["Version"]
    pins = [line for line in toolchain.get_all("Requires-Dist", []) if line.startswith("mobileops-runtime")]
    assert pins == [f"mobileops-runtime[repository,sigstore]=={runtime['Version']}"]


def test_the_mobileops_command_comes_with_the_runtime_alone() -> None:
    """Two distributions with one script would overwrite each other's, and uninstall it."""
    runtime = tomllib.loads((ROOT / "runtime_min" / "pyproject.toml").read_text())["project"]
    toolchain = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert runtime["scripts"] == {"mobileops": "mobileops.cli.entry:main"}
    assert "scripts" not in toolchain


def unanchored(patterns: str) -> list[str]:
    lines = [line.strip().lstrip("!") for line in patterns.splitlines() if line.strip() and not line.startswith("#")]
    everywhere_on_purpose = {"__pycache__/", "*.pyc"}
    return [line for line in lines if line not in everywhere_on_purpose and not line.startswith("/")]


def test_gitignore_has_no_pattern_that_could_hide_a_template_file() -> None:
    assert unanchored((ROOT / ".gitignore").read_text()) == []


def test_an_unanchored_pattern_would_be_found() -> None:
    assert unanchored("# python\n/dist/\nlib/\n!build/\n__pycache__/\n") == ["lib/", "build/"]


@pytest.mark.parametrize("folder", PROJECTS.values())
def test_nothing_is_forced_into_a_wheel(folder: str) -> None:
    """force-include copies into site-packages in an editable install too, and the copies go stale."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
    targets = project["tool"]["hatch"]["build"]["targets"]
    assert not re.search(r"force-include|artifacts", repr(targets))
