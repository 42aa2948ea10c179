from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.checkout_copy import ROOT, copy_checkout
from tests.packaging.script_checkout import SCRIPTS, ScriptCheckout, interpreter_for_everyone, make_script_checkout

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def scripts(tmp_path: Path) -> ScriptCheckout:
    return make_script_checkout(tmp_path)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    os.mkfifo(folder / "started")
    os.mkfifo(folder / "go")
    return folder


@pytest.fixture
def shared() -> Iterator[ScriptCheckout]:
    """A checkout in a folder that other users may enter, unlike pytest's own."""
    interpreter = interpreter_for_everyone()
    if interpreter is None:
        pytest.fail("no Python that other users may run: install one system-wide (apt-get install python3)")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        scripts = make_script_checkout(Path(name), interpreter=interpreter)
        scripts.log.touch()
        scripts.log.chmod(0o666)
        scripts.home.chmod(0o777)
        yield scripts


def stamp(checkout: Path) -> Path:
    return checkout / ".mobileops-venv" / "stamp"


def test_the_first_use_sets_up_and_hands_over(scripts: ScriptCheckout) -> None:
    result = scripts.run("plugin_manager.sh", "call", "my plugin", '{"a": "$b"}')
    assert (result.returncode, result.stdout) == (0, 'mobileops\ncall\nmy plugin\n{"a": "$b"}\n')
    assert "setting up" in result.stderr
    assert stamp(scripts.root).is_file()


def test_the_second_use_installs_nothing_and_says_nothing(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    result = scripts.run("plugin_manager.sh", "list")
    assert (result.stdout, result.stderr) == ("mobileops\nlist\n", "")
    assert scripts.installations == 1


def test_the_second_use_needs_pwd_and_cksum_and_no_other_program(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    for program in scripts.programs.iterdir():
        if program.name not in {"sh", "cksum"}:
            program.unlink()
    assert scripts.run("plugin_manager.sh", "list").stdout == "mobileops\nlist\n"


@pytest.mark.parametrize("project", ["pyproject.toml", "runtime_min/pyproject.toml"])
def test_a_changed_project_file_is_installed_again_in_place(scripts: ScriptCheckout, project: str) -> None:
    scripts.run("plugin_manager.sh")
    with (scripts.root / project).open("a") as file:
        file.write("# changed\n")
    assert scripts.run("plugin_manager.sh").returncode == 0
    assert scripts.installations == 2
    assert scripts.log.read_text().count("venv --quiet") == 1


def test_a_checkout_that_was_moved_is_set_up_again(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    scripts.root.rename(scripts.root.with_name("elsewhere"))
    moved = ScriptCheckout(scripts.root.with_name("elsewhere"), scripts.programs, scripts.log, scripts.home)
    assert moved.run("plugin_manager.sh").returncode == 0
    assert scripts.installations == 2


def test_an_environment_whose_python_is_gone_is_made_again(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    python = scripts.root / ".mobileops-venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.11")
    assert scripts.run("plugin_manager.sh").returncode == 0
    assert scripts.log.read_text().count("venv --quiet") == 2


def test_a_script_is_found_through_a_link(scripts: ScriptCheckout) -> None:
    link = scripts.programs / "plugins"
    link.symlink_to(scripts.root / "plugin_manager.sh")
    result = subprocess.run(["plugins", "list"], env=scripts.environment, capture_output=True, text=True, check=True)
    assert result.stdout == "mobileops\nlist\n"


def test_the_working_folder_stays_the_callers(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    command = scripts.root / ".mobileops-venv/bin/mobileops"
    command.write_text("#!/bin/sh\npwd\n")
    assert scripts.run("plugin_manager.sh").stdout.strip() == str(scripts.home)


def test_an_interrupted_set_up_is_started_over(scripts: ScriptCheckout, gate: Path) -> None:
    process = scripts.start("plugin_manager.sh", GATE=str(gate))
    assert (gate / "started").read_text() == "started\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "interrupted; the next run starts it over" in errors
    assert not stamp(scripts.root).exists()
    assert scripts.run("plugin_manager.sh", "list").stdout == "mobileops\nlist\n"
    assert scripts.log.read_text().count("venv --quiet") == 2


def test_a_killed_set_up_leaves_no_lock_behind(scripts: ScriptCheckout, gate: Path) -> None:
    process = scripts.start("plugin_manager.sh", GATE=str(gate))
    assert (gate / "started").read_text() == "started\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    result = scripts.run("plugin_manager.sh", "list")
    assert result.stdout == "mobileops\nlist\n"
    assert "waiting" not in result.stderr


def test_two_that_start_at_once_set_up_once(scripts: ScriptCheckout, gate: Path) -> None:
    first = scripts.start("plugin_manager.sh", "first", GATE=str(gate))
    assert (gate / "started").read_text() == "started\n"
    second = scripts.start("plugin_manager.sh", "second")
    assert second.stderr is not None
    assert "another set-up of this checkout is running" in second.stderr.readline()
    (gate / "go").write_text("go\n")
    assert first.communicate(timeout=60)[0] == "mobileops\nfirst\n"
    assert second.communicate(timeout=60)[0] == "mobileops\nsecond\n"
    assert scripts.installations == 1


def test_a_failed_installation_says_so_and_is_not_taken_for_done(scripts: ScriptCheckout) -> None:
    result = scripts.run("plugin_manager.sh", UV_FAILS="1")
    assert (result.returncode, result.stdout) == (4, "")
    assert "cannot install mobileops" in result.stderr
    assert "  fix: " in result.stderr
    assert scripts.run("plugin_manager.sh").returncode == 0


def test_without_a_python_the_message_names_what_was_tried(scripts: ScriptCheckout) -> None:
    (scripts.programs / "python3.11").unlink()
    scripts.add_program("python3", "#!/bin/sh\nexit 1\n")
    result = scripts.run("plugin_manager.sh")
    assert result.returncode == 4
    assert "no Python 3.11 or newer was found" in result.stderr
    assert "  fix: " in result.stderr


def test_a_shim_without_a_python_behind_it_is_passed_over(scripts: ScriptCheckout) -> None:
    scripts.add_program("python3.13", "#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    assert scripts.run("plugin_manager.sh").returncode == 0


def test_without_ensurepip_the_message_names_the_package(scripts: ScriptCheckout) -> None:
    (scripts.programs / "uv").unlink()
    real = (scripts.programs / "python3.11").read_text()
    refuse = 'case $2 in *ensurepip*) echo "No module named ensurepip" >&2; exit 1 ;; esac\n'
    scripts.add_program("python3.11", real.replace("exec", refuse + "exec"))
    result = scripts.run("plugin_manager.sh")
    assert result.returncode == 4
    assert "cannot make virtual environments" in result.stderr
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in result.stderr


def read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def as_ordinary_user(scripts: ScriptCheckout, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = scripts.environment | variables
    return subprocess.run(
        [scripts.root / script], cwd="/", env=environment, capture_output=True, text=True, check=False, **identity
    )


def test_a_read_only_checkout_is_set_up_in_the_users_cache(shared: ScriptCheckout) -> None:
    read_only(shared.root)
    result = as_ordinary_user(shared, "plugin_manager.sh", XDG_CACHE_HOME=str(shared.home / "my cache"))
    assert (result.returncode, result.stdout) == (0, "mobileops\n"), result.stderr
    assert list((shared.home / "my cache/mobileops").glob("checkout-*/.mobileops-venv/stamp"))
    assert not stamp(shared.root).exists()


def test_an_environment_made_by_the_owner_serves_everyone(shared: ScriptCheckout) -> None:
    shared.run("plugin_manager.sh")
    read_only(shared.root)
    result = as_ordinary_user(shared, "plugin_manager.sh")
    assert (result.returncode, result.stdout, result.stderr) == (0, "mobileops\n", "")


def test_the_test_suite_keeps_its_sessions_out_of_a_read_only_checkout(shared: ScriptCheckout) -> None:
    shared.run("plugin_manager.sh")
    read_only(shared.root)
    arguments = as_ordinary_user(shared, "test_suite.sh").stdout.splitlines()
    assert arguments[:3] == ["nox", "--noxfile", str(shared.root / "noxfile.py")]
    assert arguments[arguments.index("--envdir") + 1].startswith(str(shared.home / ".cache/mobileops/checkout-"))


def test_where_nothing_is_writable_the_message_says_what_to_set(shared: ScriptCheckout) -> None:
    read_only(shared.root)
    shared.home.chmod(0o555)
    result = as_ordinary_user(shared, "plugin_manager.sh")
    assert result.returncode == 4
    assert "fix: set XDG_CACHE_HOME" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sessions"), [((), []), (("all",), []), (("integration",), ["--session", "integration"])]
)
def test_the_test_suite_runs_sessions(scripts: ScriptCheckout, arguments: tuple[str, ...], sessions: list[str]) -> None:
    root = str(scripts.root)
    expected = ["nox", "--noxfile", f"{root}/noxfile.py", "--envdir", f"{root}/.nox", *sessions]
    assert scripts.run("test_suite.sh", *arguments).stdout.splitlines() == expected


def test_the_tests_of_one_plugin_are_run_by_name(scripts: ScriptCheckout) -> None:
    result = scripts.run("test_suite.sh", "plugin", "my-plugin", "--json")
    assert result.stdout == "mobileops\ntest\nmy-plugin\n--json\n"


def runtime_of(scripts: ScriptCheckout) -> dict[str, str]:
    """The stand-in environment has no mobileops to ask where the plugins folder is."""
    return {"PYTHONPATH": str(ROOT / "runtime_min"), "MOBILEOPS_HOME": str(scripts.home / "mobileops")}


def add_plugin(folder: Path) -> str:
    folder.mkdir(parents=True)
    (folder / "plugin.json").write_text("{}")
    return f"mobileops\ntest\n{folder}\n"


def test_the_tests_of_every_plugin_are_run(scripts: ScriptCheckout) -> None:
    (scripts.home / "no plugin").mkdir()
    here = add_plugin(scripts.home / "my plugin")
    installed = add_plugin(scripts.home / "mobileops/plugins/other")
    example = add_plugin(scripts.root / "examples/one")
    result = scripts.run("test_suite.sh", "plugins", **runtime_of(scripts))
    assert (result.returncode, result.stdout) == (0, here + installed + example), result.stderr


def test_a_plugin_whose_tests_fail_is_named_at_the_end(scripts: ScriptCheckout) -> None:
    scripts.run("plugin_manager.sh")
    add_plugin(scripts.home / "bad")
    good = add_plugin(scripts.home / "good")
    command = scripts.root / ".mobileops-venv/bin/mobileops"
    command.write_text('#!/bin/sh\nprintf "%s\\n" mobileops "$@"\ncase $2 in */bad) exit 1 ;; esac\n')
    result = scripts.run("test_suite.sh", "plugins", **runtime_of(scripts))
    assert result.returncode == 1
    assert result.stdout.endswith(good)
    assert result.stderr.splitlines()[-1] == f"  {scripts.home}/bad"


def test_no_plugins_at_all_is_said(scripts: ScriptCheckout) -> None:
    result = scripts.run("test_suite.sh", "plugins", **runtime_of(scripts))
    assert result.returncode == 4
    assert "no plugin was found" in result.stderr


def test_logs_are_searched_through_the_command_line(scripts: ScriptCheckout) -> None:
    result = scripts.run("system_log_collector.sh", "search", "my plugin")
    assert result.stdout == "mobileops\nlogs\nsearch\nmy plugin\n"


@pytest.mark.parametrize(
    "words",
    [
        ("test_suite.sh", "everything"),
        ("test_suite.sh", "plugin"),
        ("test_suite.sh", "integration", "please"),
        ("system_log_collector.sh",),
        ("system_log_collector.sh", "search"),
        ("system_log_collector.sh", "find", "x"),
    ],
)
def test_unknown_words_get_the_usage_and_set_nothing_up(scripts: ScriptCheckout, words: tuple[str, ...]) -> None:
    result = scripts.run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: ./")
    assert not (scripts.root / ".mobileops-venv").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_executable_and_portable(scripts: ScriptCheckout, script: str) -> None:
    path = scripts.root / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/sh\n")


@pytest.mark.slow
def test_a_real_first_use_ends_in_the_real_command_line(tmp_path: Path) -> None:
    root = copy_checkout(tmp_path / "a real checkout")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv is not None
    environment = os.environ | {"PATH": f"{Path(uv).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        [root / "plugin_manager.sh", "--help"], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "quickstart" in result.stdout
