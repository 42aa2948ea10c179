"""install, upgrade, outdated, pin, unpin, why: what is chosen, shown, asked and done."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import install as install_verb
from mobileops.cli.console import Console
from mobileops.cli.parser import Parser
from mobileops.cli.verbs import BY_NAME
from mobileops.errors import RefusedError
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import make_key, public_pem, trusted_key
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Run

READ = "filesystem.read:/srv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def build(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Return what builds and signs a plugin into dist/, with a key that the policy trusts."""
    key = trusted_key(home, tmp_path)

    def run(name: str, version: str = "1.0.0", **plugin: Any) -> Path:
        return Publisher(home, tmp_path).publish_as(KeySigner(key), name, version=version, **plugin)

    return run


@pytest.fixture
def published(mobileops: Run, build: Callable[..., Path]) -> Callable[..., Path]:
    """Return what builds, signs and publishes a plugin."""

    def run(name: str, version: str = "1.0.0", **plugin: Any) -> Path:
        bundle = build(name, version, **plugin)
        code, _out, err = mobileops("publish", str(bundle))
        assert code == 0, err
        bundle.unlink()  # so that it can only come from the repository
        return bundle

    return run


def test_a_plan_is_shown_before_anything_changes(mobileops: Run, build: Callable[..., Path], home: Home) -> None:
    bundle = build("app", permissions=[READ])
    code, out, err = mobileops("install", str(bundle), "--dry-run")
    assert (code, out) == (0, "")
    for text in ("install app 1.0.0", "signer:", "(key, root release)", READ, "size:"):
        assert text in err
    assert Store(home).all() == []
    code, out, _err = mobileops("install", str(bundle), "--json", "--dry-run")
    document: Any = as_published("install", out)
    assert (code, document["changed"], document["plan"][0]["permissions"]) == (0, False, [READ])
    assert Store(home).all() == []


def test_an_upgrade_shows_what_changes_and_stops_at_more_permissions(
    mobileops: Run, build: Callable[..., Path], home: Home
) -> None:
    mobileops("install", str(build("app", configuration={"endpoint": "a"})))
    wider = build("app", "1.1.0", permissions=[READ], configuration={"endpoint": "b"})
    code, _out, err = mobileops("install", str(wider))
    assert code == 3
    for text in ("upgrade app 1.0.0 -> 1.1.0", f"+ {READ}", "changed endpoint, its default", "MOP6045"):
        assert text in err
    assert Store(home).get("app").version == "1.0.0"
    assert mobileops("install", str(wider), "--dry-run")[0] == 3
    assert mobileops("install", str(wider), "--yes")[0] == 3  # no option but the one that names them
    code, out, _err = mobileops("install", str(wider), "--accept-permissions", "--json")
    document: Any = as_published("install", out)
    assert (code, document["changed"], document["granted"]) == (0, True, None)
    assert document["plan"][0]["configuration"][0]["what"] == "endpoint, its default"


def test_what_was_not_accepted_is_not_granted_until_it_is(
    mobileops: Run, build: Callable[..., Path], home: Home
) -> None:
    store = Store(home)
    mobileops("install", str(build("app", permissions=["filesystem.read:/srv/a"])))
    wider = build("app", "1.1.0", permissions=[READ, "network.http"])
    assert mobileops("install", str(wider), "--keep-permissions")[0] == 0
    assert list(map(str, store.manifest(store.get("app")).permissions)) == ["filesystem.read:/srv/a"]
    assert list(map(str, store.declared(store.get("app")).permissions)) == [READ, "network.http"]
    next_one = build("app", "1.2.0", permissions=[READ, "network.http"])
    assert mobileops("install", str(next_one))[0] == 3  # it is still more than was ever accepted
    assert mobileops("install", str(next_one), "--accept-permissions")[0] == 0
    assert list(map(str, store.manifest(store.get("app")).permissions)) == [READ, "network.http"]
    mobileops("rollback", "app")
    assert list(map(str, store.manifest(store.get("app")).permissions)) == ["filesystem.read:/srv/a"]


def test_a_smaller_version_needs_no_answer(mobileops: Run, build: Callable[..., Path], home: Home) -> None:
    mobileops("install", str(build("app", permissions=[READ, "network.http"])))
    assert mobileops("install", str(build("app", "1.1.0", permissions=["filesystem.read:/srv/a"])))[0] == 0
    assert Store(home).get("app").granted is None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("said", "granted", "version"),
    [("y\n", None, "1.1.0"), ("k\n", (), "1.1.0"), ("n\n", None, "1.0.0"), ("", None, "1.0.0")],
)
def test_at_a_terminal_more_permissions_are_asked_about(
    mobileops: Run, build: Callable[..., Path], home: Home, said: str, granted: object, version: str
) -> None:
    mobileops("install", str(build("app")))
    wider = build("app", "1.1.0", permissions=[READ])
    err = Terminal()
    console = Console(Terminal(said), io.StringIO(), err, {"MOBILEOPS_HOME": str(home.root)})
    parser = Parser(BY_NAME["install"])
    install_verb.configure(parser)
    if version == "1.0.0":
        with pytest.raises(RefusedError):
            install_verb.run(parser.parse([str(wider)]), console)
    else:
        assert install_verb.run(parser.parse([str(wider)]), console) == 0
    assert "[k]eep" in err.getvalue()
    receipt = Store(home).get("app")
    assert (receipt.granted, receipt.version) == (granted, version)


@pytest.mark.parametrize(
    ("said", "words", "done"), [("\n", [], True), ("n\n", [], False), ("", [], False), ("", ["--yes"], True)]
)
def test_at_a_terminal_a_first_install_with_permissions_is_asked_about(
    build: Callable[..., Path], home: Home, said: str, words: list[str], done: bool
) -> None:
    bundle = build("app", permissions=[READ])
    console = Console(Terminal(said), io.StringIO(), Terminal(), {"MOBILEOPS_HOME": str(home.root)})
    parser = Parser(BY_NAME["install"])
    install_verb.configure(parser)
    arguments = parser.parse([str(bundle), *words])
    if done:
        assert install_verb.run(arguments, console) == 0
    else:
        with pytest.raises(RefusedError, match="nothing was installed"):
            install_verb.run(arguments, console)
    assert bool(Store(home).all()) == done


def test_a_changed_signer_stops_an_upgrade_until_the_pin_is_rotated(
    mobileops: Run, build: Callable[..., Path], home: Home, tmp_path: Path
) -> None:
    mobileops("install", str(build("app")))
    other = make_key("p256")
    (tmp_path / "other.pub").write_bytes(public_pem(other))
    root = {"assurance": "key", "keys": [str(tmp_path / "release.pub"), str(tmp_path / "other.pub")]}
    home.trust_policy.write_text(json.dumps({"version": 1, "roots": {"release": root}}))
    bundle = Publisher(home, tmp_path).publish_as(KeySigner(other), "app", version="1.1.0")
    code, _out, err = mobileops("install", str(bundle), "--accept-permissions", "--yes")
    assert (code, "trust rotate app" in err) == (3, True)
    assert Store(home).get("app").version == "1.0.0"
    mobileops("trust", "rotate", "app", "--reason", "the author has a new key")
    code, _out, err = mobileops("install", str(bundle))
    assert (code, "was " in err) == (0, True)


def test_a_name_comes_from_the_repository_with_everything_that_it_needs(
    mobileops: Run, published: Callable[..., Path], home: Home
) -> None:
    published("core", "1.0.0")
    published("core", "2.0.0")
    published("app", "1.0.0", plugin_dependencies={"core": "<2"})
    code, out, err = mobileops("install", "app")
    assert (code, out.count("installed ")) == (0, 2), err
    assert "install core 1.0.0 (needed by another), from local" in err
    store = Store(home)
    assert (store.get("core").requested, store.get("app").requested) == (False, True)
    document: Any = as_published("why", mobileops("why", "core", "--json")[1])
    assert document["needed_by"] == [
        {"name": "app", "version": "1.0.0", "versions": "<2.0.0", "chain": ["core", "app"]}
    ]
    assert "core <- app" in mobileops("why", "core")[1]
    assert "was asked for" in mobileops("why", "app")[1]
    mobileops("uninstall", "app")
    assert "nothing needs it any more" in mobileops("why", "core")[1]


def test_upgrades_leave_what_is_pinned_and_what_others_need(
    mobileops: Run, published: Callable[..., Path], home: Home
) -> None:
    published("core", "1.0.0")
    published("app", "1.0.0", plugin_dependencies={"core": "<2"})
    published("tool", "1.0.0")
    for name in ("app", "tool"):
        mobileops("install", name)
    published("core", "1.1.0")
    published("core", "2.0.0")
    published("tool", "1.1.0")
    rows: Any = as_published("outdated", mobileops("outdated", "--json")[1])
    assert [(row["name"], row["newest"]) for row in rows] == [("core", "2.0.0"), ("tool", "1.1.0")]
    assert as_published("pin", mobileops("pin", "tool", "--json")[1])["pinned"]  # type: ignore[index]
    assert "as before" in mobileops("pin", "tool")[1]
    assert "pinned" in mobileops("outdated")[1]
    code, _out, err = mobileops("upgrade", "--all")
    assert (code, "tool stays at 1.0.0" in err) == (0, True)
    store = Store(home)
    assert {one.name: one.version for one in store.all()} == {"app": "1.0.0", "core": "1.1.0", "tool": "1.0.0"}
    mobileops("unpin", "tool")
    assert mobileops("upgrade", "tool")[0] == 0
    assert store.get("tool").version == "1.1.0"
    assert "nothing newer" in mobileops("upgrade", "tool")[1]
    assert as_published("install", mobileops("upgrade", "tool", "--json")[1]) == {"plan": [], "changed": False}


def test_exact_versions_and_ranges(mobileops: Run, published: Callable[..., Path], home: Home) -> None:
    for version in ("1.0.0", "1.5.0", "2.0.0"):
        published("app", version)
    for words, chosen in ((["<2"], "1.5.0"), (["1.0.0"], "1.0.0"), ([], "2.0.0")):
        assert mobileops("install", "app", *words)[0] == 0
        assert Store(home).get("app").version == chosen
    code, _out, err = mobileops("install", "app", "9.9.9")
    assert (code, "MOP6040" in err, "2.0.0, 1.5.0, 1.0.0" in err) == (1, True, True)
    assert "you ask for app 9.9.9; versions" in err


def test_a_conflict_changes_nothing_and_is_short(mobileops: Run, published: Callable[..., Path], home: Home) -> None:
    published("core", "1.0.0")
    published("old", "1.0.0", plugin_dependencies={"core": "<2"})
    mobileops("install", "old")
    published("core", "2.0.0")
    published("app", "1.0.0", plugin_dependencies={"core": ">=2"})
    code, _out, err = mobileops("install", "app")
    assert (code, "MOP6041" in err, len(err.splitlines()) <= 4) == (1, True, True)
    assert "old 1.0.0 (installed) needs core <2.0.0" in err
    assert [one.name for one in Store(home).all()] == ["core", "old"]


def test_a_file_gets_what_it_needs_from_the_repository_or_from_what_was_built(
    mobileops: Run, build: Callable[..., Path], home: Home
) -> None:
    app = build("app", plugin_dependencies={"core": ">=1"})
    code, _out, err = mobileops("install", str(app))
    assert (code, "there is no plugin 'core'" in err) == (1, True)
    build("core")
    assert mobileops("install", str(app))[0] == 0
    assert [one.name for one in Store(home).all()] == ["app", "core"]


def test_a_built_bundle_is_found_by_name_again_and_again(
    mobileops: Run, build: Callable[..., Path], home: Home
) -> None:
    build("app")
    code, _out, err = mobileops("install", "app")
    first = Store(home).get("app")
    assert (code, "taking " in err) == (0, True)
    build("app", code="from mobileops.plugin import ServicePlugin\nclass App(ServicePlugin):\n    pass\n")
    assert mobileops("install", "app.zip")[0] == 0
    assert Store(home).get("app").sha256 != first.sha256
    build("app", "1.2.0")
    assert mobileops("install", "app", ">=1.1,<2")[0] == 0
    assert Store(home).get("app").version == "1.2.0"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["install", "nowhere"], "MOP7011"),
        (["install", "nowhere", ">=1"], "MOP6040"),
        (["upgrade"], "MOP7003"),
        (["upgrade", "app", "--all"], "MOP7003"),
        (["upgrade", "nowhere"], "MOP6004"),
        (["pin", "nowhere"], "MOP6004"),
        (["why", "nowhere"], "MOP6004"),
        (["install", "x.zip", "--accept-permissions", "--keep-permissions"], "MOP7003"),
    ],
)
def test_mistakes_say_what_to_do(mobileops: Run, words: list[str], code: str) -> None:
    status, out, err = mobileops(*words)
    assert (status in {1, 2}, out, code in err, "fix: " in err) == (True, "", True, True), err


def test_a_plugin_for_another_device_is_refused(mobileops: Run, build: Callable[..., Path]) -> None:
    code, _out, err = mobileops("install", str(build("app", compatibility={"python_version": ">=3.99"})))
    assert (code, "MOP6043" in err, "needs Python >=3.99.0" in err) == (1, True, True)


def test_a_file_with_a_version_is_a_mistake(mobileops: Run, build: Callable[..., Path]) -> None:
    code, _out, err = mobileops("install", str(build("app")), "1.0.0")
    assert (code, "a file has one version" in err) == (2, True)


def test_nothing_outdated_is_said(mobileops: Run, build: Callable[..., Path]) -> None:
    mobileops("install", str(build("app")))
    assert "nothing that is installed" in mobileops("outdated")[2]


def test_a_damaged_plugin_is_mended_by_installing_it_again(
    mobileops: Run, build: Callable[..., Path], home: Home
) -> None:
    bundle = build("app", permissions=["network.http"])
    mobileops("install", str(bundle))
    store = Store(home)
    (store.folder(store.get("app")) / "plugin.json").write_text("{")
    assert mobileops("install", str(bundle))[0] == 0
    store.check(store.get("app"))
    (store.folder(store.get("app")) / "plugin.json").write_text("{")
    assert mobileops("install", str(build("app", "1.1.0", permissions=["network.http"])))[0] == 3
