"""uninstall: what would go is shown, what others need stays, and nothing is started while it goes."""

from __future__ import annotations

import io
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import config
from mobileops.cli.commands import uninstall as uninstall_verb
from mobileops.cli.console import Console
from mobileops.cli.parser import Parser
from mobileops.cli.verbs import BY_NAME
from mobileops.errors import RefusedError
from mobileops.runtime.home import Home
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.store import Accepted, Store, occupancy
from mobileops.runtime.store.autostart import Autostart
from mobileops.toolchain.sign import KeySigner
from tests.fakes.daemon_thread import serving
from tests.fakes.key_signature import trusted_key
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def install(home: Home, tmp_path: Path) -> Callable[..., None]:
    """Return what installs a plugin that needs others, as if somebody had asked for it or not."""
    key = trusted_key(home, tmp_path)
    publisher, store = Publisher(home, tmp_path), Store(home)

    def run(name: str, *needs: str, requested: bool = True, **plugin: Any) -> None:
        needed = {"plugin_dependencies": dict.fromkeys(needs, ">=1")} if needs else {}
        bundle = publisher.publish_as(KeySigner(key), name, **needed, **plugin)
        with store.staged(bundle, verify=publisher.decision()) as staged:
            store.commit([Accepted(staged, requested=requested)])

    return run


@pytest.fixture
def tower(install: Callable[..., None]) -> None:
    """Install top, which needs middle, which needs base; and other, which needs base."""
    install("base", requested=False)
    install("middle", "base", requested=False)
    install("top", "middle")
    install("other", "base")


def names(home: Home) -> list[str]:
    return [receipt.name for receipt in Receipts(home).all()]


@pytest.mark.usefixtures("tower")
def test_what_others_need_is_not_removed_and_the_chain_is_named(mobileops: Run, home: Home) -> None:
    for words in (["uninstall", "base"], ["uninstall", "base", "--yes"], ["uninstall", "base", "--json"]):
        code, out, err = mobileops(*words)
        assert (code, out, err.startswith("error: ")) == (3, "", True)
        for text in ("MOP6010", "base <- middle <- top", "base <- other", "--cascade", "--force"):
            assert text in err
        assert "'base' cannot be removed: other, middle, top could not be started without it" in err
    assert names(home) == ["base", "middle", "other", "top"]
    assert mobileops("uninstall", "top")[0] == 0  # the control: nothing needs it


@pytest.mark.usefixtures("tower")
def test_a_cascade_removes_all_that_need_it(mobileops: Run, home: Home) -> None:
    code, out, err = mobileops("uninstall", "middle", "--cascade", "--dry-run")
    assert (code, out, "uninstall top 1.0.0 (needs middle)" in err) == (0, "", True)
    assert names(home) == ["base", "middle", "other", "top"]
    code, out, err = mobileops("uninstall", "middle", "--cascade")
    assert (code, out) == (0, "removed top 1.0.0\nremoved middle 1.0.0\n")
    assert "nothing needs these" not in err  # other needs base
    found: Any = as_published("uninstall", mobileops("uninstall", "base", "--cascade", "--json")[1])
    assert [(one["name"], one["named"], one["needs"]) for one in found["plan"]] == [
        ("other", False, ["base"]),
        ("base", True, []),
    ]
    assert (found["changed"], names(home)) == (True, [])


@pytest.mark.usefixtures("tower")
def test_by_force_others_are_left_without_it(mobileops: Run, home: Home) -> None:
    assert mobileops("uninstall", "base", "--force", "--cascade")[0] == 2
    found: Any = as_published("uninstall", mobileops("uninstall", "base", "--force", "--dry-run", "--json")[1])
    assert (found["changed"], found["plan"][0]["needed_by"]) == (False, ["middle", "other"])
    code, _out, err = mobileops("uninstall", "base", "--force")
    assert (code, "needed by:      middle, other" in err) == (0, True)
    assert names(home) == ["middle", "other", "top"]


@pytest.mark.usefixtures("tower")
def test_a_dry_run_says_that_it_would_be_refused(mobileops: Run, home: Home) -> None:
    code, out, err = mobileops("uninstall", "base", "--dry-run")
    assert (code, out, "this would stop: " in err, "MOP6010" in err) == (3, "", True, True)
    code, out, _err = mobileops("uninstall", "base", "--dry-run", "--json")
    found: Any = as_published("uninstall", out)
    assert (code, found["changed"]) == (3, False)
    assert len(names(home)) == 4


def test_what_runs_is_refused_before_any_plan(
    mobileops: Run, home: Home, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("base")
    with serving(home, monkeypatch):
        assert mobileops("start", "base")[0] == 0
        for words in (["base"], ["base", "--purge", "--yes"], ["base", "--force"]):
            code, out, err = mobileops("uninstall", *words)
            assert (code, out, err.startswith("error: 'base' is running [MOP6007]")) == (1, "", True)
        code, out, err = mobileops("uninstall", "base", "--dry-run")
        assert (code, out, "uninstall base 1.0.0\n" in err, "this would stop: " in err, "MOP6007" in err) == (
            *(1, "", True),
            *(True, True),
        )
        assert mobileops("uninstall", "base", "--dry-run", "--json")[0] == 1
        assert mobileops("stop", "base")[0] == 0
        assert mobileops("uninstall", "base", "--dry-run")[0] == 0  # the control
    assert names(home) == ["base"]


def test_what_nothing_needs_any_more_is_named(mobileops: Run, install: Callable[..., None]) -> None:
    install("base", requested=False)
    install("wanted")
    install("app", "base", "wanted")
    assert "any more: base\n" in mobileops("uninstall", "app")[2]


@pytest.mark.parametrize(
    ("words", "said", "done"),
    [
        (["base", "--cascade"], "n\n", False),
        (["base", "--cascade"], "", False),
        (["base", "--cascade"], "y\n", True),
        (["base", "--cascade", "--yes"], "", True),
        (["top", "--purge"], "\n", False),
        (["top"], "", True),
    ],
)
@pytest.mark.usefixtures("tower")
def test_at_a_terminal_more_than_one_plugin_is_asked_about(home: Home, words: list[str], said: str, done: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    console = Console(Terminal(said), io.StringIO(), Terminal(), {"MOBILEOPS_HOME": str(home.root)})
    parser = Parser(BY_NAME["uninstall"])
    uninstall_verb.configure(parser)
    if done:
        assert uninstall_verb.run(parser.parse(words), console) == 0
    else:
        with pytest.raises(RefusedError, match="nothing was removed"):
            uninstall_verb.run(parser.parse(words), console)
    assert (words[0] not in names(home)) == done


def test_the_place_among_the_enabled_and_what_was_set_go_in_the_same_commit(
    mobileops: Run, home: Home, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after the commit point: whoever reads finds nothing of the plugin."""
    for name in ("base", "other"):
        install(name)
        assert mobileops("enable", name)[0] == 0
    files = SettingsFiles(home)
    files.save("base", Stored({"port": 2}, {"token": "planted"}))
    monkeypatch.setattr("mobileops.runtime.journal._apply", lambda *_: None)
    assert mobileops("uninstall", "base", "--purge")[0] == 0
    assert (names(home), Autostart(home).names()) == (["other"], ["other"])
    monkeypatch.undo()
    monkeypatch.setenv("MOBILEOPS_HOME", str(home.root))
    install("base")  # whoever comes next finishes it first
    assert files.load("base") == Stored({}, {})
    assert mobileops("enable", "base")[0] == 0
    assert Autostart(home).names() == ["base", "other"]


def test_a_list_of_the_enabled_that_cannot_be_read_is_left_alone(
    mobileops: Run, home: Home, install: Callable[..., None]
) -> None:
    install("base")
    home.autostart.write_text("{")
    assert mobileops("uninstall", "base")[0] == 0
    assert home.autostart.read_text() == "{"


@pytest.mark.parametrize(
    ("words", "where", "act"),
    [
        (["enable", "base"], Autostart, "enable"),
        (["config", "base", "--set", "port=2"], config, "commit"),
    ],
)
def test_nothing_is_noted_for_a_plugin_that_went_meanwhile(
    mobileops: Run,
    home: Home,
    install: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    where: Any,
    act: str,
) -> None:
    install("base", configuration={"port": 1})
    real = getattr(where, act)

    def too_late(*given: Any, **options: Any) -> Any:
        Store(home).uninstall("base", purge=True)
        return real(*given, **options)

    monkeypatch.setattr(where, act, too_late)
    code, _out, err = mobileops(*words)
    assert (code, "MOP6004" in err) == (1, True)
    assert Autostart(home).names() == []
    assert list(home.settings.glob("*.json")) == []
    monkeypatch.undo()
    monkeypatch.setenv("MOBILEOPS_HOME", str(home.root))
    install("base", configuration={"port": 1})
    assert mobileops(*words)[0] == 0  # the control


@pytest.mark.parametrize("locked", [True, False], ids=["with the lock", "control without it"])
def test_no_start_slips_between_the_look_at_what_runs_and_the_commit(
    mobileops: Run, home: Home, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    install("base")
    if not locked:
        monkeypatch.setattr(occupancy, "starting", lambda *_: nullcontext())
    look, looks, said = uninstall_verb._refuse_running, [], []

    def look_and_let_somebody_start(*words: Any) -> None:
        look(*words)
        looks.append(words)
        if len(looks) == 2:  # the first look is before the plan, and holds nothing
            said.append(mobileops("start", "base"))

    monkeypatch.setattr(uninstall_verb, "_refuse_running", look_and_let_somebody_start)
    with serving(home, monkeypatch):
        assert mobileops("uninstall", "base")[0] == 0
    ((code, out, err),) = said
    assert (code, "MOP6011" in err, "is running" in out) == ((1, True, False) if locked else (0, False, True))
    assert names(home) == []
