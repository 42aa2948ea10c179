"""`mobileops.cli.main`: verbs, mistakes, exit codes, and no traceback for anybody."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from mobileops.cli.main import main
from mobileops.cli.verbs import BY_NAME, VERBS
from mobileops.errors import TrustRefused
from tests.fakes.screen import on_screen

Result = tuple[int, str, str]
Run = Callable[..., Result]


def a_verb_that(action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the verb `doctor` by one that only runs an action."""
    module = types.ModuleType("fake")
    module.configure = lambda parser: None  # type: ignore[attr-defined]
    module.run = lambda arguments, console: action()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, BY_NAME["doctor"].module, module)


def raising(error: BaseException) -> Callable[[], Any]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_verb(mobileops: Run, words: tuple[str, ...]) -> None:
    code, out, err = mobileops(*words)
    assert (code, err) == (0, "")
    assert all(f"  {verb.name} " in out for verb in VERBS)


def test_version_is_one_line(mobileops: Run) -> None:
    code, out, _err = mobileops("--version")
    assert code == 0
    assert out.startswith("mobileops 0.")


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_has_a_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"\nexample:\n  mobileops {verb}" in shown or f"\nexamples:\n  mobileops {verb}" in shown


def test_help_verb_is_verb_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["help", "list"])
    assert "usage: mobileops list" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "what", "fix"),
    [
        (("instal",), "MOP7001", "'instal'", "did you mean 'install'?"),
        (("xyzzy",), "MOP7001", "'xyzzy'", "--help"),
        (("cluster", "configure"), "MOP7008", "'cluster'", "--help"),
        (("list", "--jsn"), "MOP7002", "'--jsn'", "did you mean '--json'?"),
        (("list", "extra"), "MOP7002", "'extra'", "mobileops list --help"),
        (("call", "a"), "MOP7003", "method", "mobileops call --help"),
        (("trust", "revoke", "extra"), "MOP7002", "'mobileops trust revoke'", "mobileops trust revoke --help"),
        (("trust", "show", "--jsn"), "MOP7002", "'mobileops trust show'", "did you mean '--json'?"),
        (("trust", "add"), "MOP7003", "root|key|publisher", "mobileops trust add --help"),
        (("trust", "rev"), "MOP7003", "'rev'", "did you mean 'revoke'?"),
        (("trust", "r"), "MOP7003", "'r'", "mobileops trust --help"),
        (("logs", "search"), "MOP7006", "needs a text", "logs [NAME] search TEXT"),
    ],
)
def test_a_usage_mistake_is_exit_2_with_a_way_out(
    mobileops: Run, words: tuple[str, ...], code: str, what: str, fix: str
) -> None:
    exit_code, out, err = mobileops(*words)
    assert (exit_code, out) == (2, "")
    assert f"[{code}]" in err
    assert what in err
    assert fix in err


def test_a_refusal_is_exit_3_with_all_fields(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    a_verb_that(raising(TrustRefused("no", code="MOP3001", where="x.zip", why="rule", fix="sign it")), monkeypatch)
    code, _out, err = mobileops("doctor")
    assert code == 3
    assert err == "error: x.zip: no [MOP3001]\n  why: rule\n  fix: sign it\n"


def test_an_interruption_is_exit_130(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    a_verb_that(raising(KeyboardInterrupt()), monkeypatch)
    assert mobileops("doctor")[0] == 130


def test_an_interruption_at_a_terminal_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    a_verb_that(raising(KeyboardInterrupt()), monkeypatch)
    with on_screen(80, monkeypatch) as shown:
        main(["doctor"])
    assert shown == ["\ninterrupted\n"]  # behind the ^C that a terminal shows


def test_a_defect_is_a_message_and_with_debug_a_traceback(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    a_verb_that(raising(ZeroDivisionError("oops")), monkeypatch)
    code, _out, err = mobileops("doctor")
    assert code == 1
    assert "ZeroDivisionError: oops [MOP7000]" in err
    with pytest.raises(ZeroDivisionError):
        mobileops("doctor", "--debug")


def test_debug_raises_our_errors_too(mobileops: Run) -> None:
    with pytest.raises(Exception, match="unknown verb"):
        mobileops("instal", "--debug")


@pytest.mark.parametrize(("name", "code"), [("mobileops.toolchain.pack", "MOP8002"), ("msgspec", "MOP8003")])
@pytest.mark.parametrize("where", ["import", "run"])
def test_a_missing_package_says_what_to_install(
    mobileops: Run, monkeypatch: pytest.MonkeyPatch, name: str, code: str, where: str
) -> None:
    error = ModuleNotFoundError(f"No module named {name!r}", name=name)
    if where == "run":
        module = types.ModuleType("fake")
        module.configure = lambda parser: None  # type: ignore[attr-defined]
        module.run = lambda arguments, console: raising(error)()  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, BY_NAME["init"].module, module)
    else:
        monkeypatch.setattr("importlib.import_module", lambda _name: raising(error)())
    exit_code, _out, err = mobileops("init")
    assert exit_code == 4
    assert f"[{code}]" in err


def test_nothing_heavy_is_imported_for_the_help() -> None:
    import subprocess  # noqa: PLC0415  only this test starts a process

    heavy = "{'argparse', 'asyncio', 'msgspec', 'json', 'importlib.metadata'}"
    script = (
        "import sys; from mobileops.cli.main import main; main(['--help'])\n"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == "[]\n"
