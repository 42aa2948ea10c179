"""The verbs of repositories, as a person or a program uses them."""

from __future__ import annotations

import datetime
import functools
import json
import shutil
import sys

import pytest

from mobileops.runtime.home import Home
from tests.fakes.published_json import as_published
from tests.fakes.repository import Shop, document, served
from tests.fakes.signed_bundle import Publisher


@pytest.fixture
def author(tmp_path):
    """Return an author whose bundles lie in ./dist."""
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "elsewhere", now=datetime.datetime.now(datetime.UTC).replace(microsecond=0))


def test_the_missions_lines_work_without_any_set_up(mobileops, author):
    author.publish("my-plugin", description="Example data processing", keywords=["data"])
    assert mobileops("publish", "my-plugin.zip")[0] == 0
    assert mobileops("update-metadata", "my-plugin")[0] == 0
    assert "my-plugin" in mobileops("search", "data processing")[1]
    assert "my-plugin" in mobileops("info", "my-plugin")[1]
    assert "my-plugin" in mobileops("list", "--available")[1]


def test_publishing_says_what_it_did(mobileops, author, tmp_path):
    author.publish("echo")
    code, out, err = mobileops("publish", "echo", "--json")
    said = as_published("publish", out)
    assert (code, said["changed"], said["new_plugin"]) == (0, True, True)
    assert "made a repository in" in err
    assert as_published("publish", mobileops("publish", "dist/echo-1.0.0.zip", "--json")[1])["changed"] is False
    assert "already, with these bytes" in mobileops("publish", "echo")[1]
    author.publish("echo", version="1.1.0")
    assert mobileops("publish", "echo")[1] == f"published echo 1.1.0 in {tmp_path / 'home' / 'repository'}\n"


def test_what_this_host_does_not_trust_is_not_published(mobileops, author, tmp_path):
    bundle = author.publish("echo")
    signature = bundle.with_name(f"{bundle.name}.sigstore.json")
    signature.write_bytes(author.publish("other").with_name("other-1.0.0.zip.sigstore.json").read_bytes())
    assert mobileops("publish", "echo")[0] == 3
    signature.unlink()
    code, _, err = mobileops("publish", f"dist/{bundle.name}")
    assert (code, "MOP3000" in err, signature.exists()) == (3, True, False)
    assert not (tmp_path / "home" / "repository").exists()


def test_what_was_built_here_is_signed_for_the_local_repository_and_for_no_other(mobileops, author, tmp_path):
    bundle = author.publish("echo")
    bundle.with_name(f"{bundle.name}.sigstore.json").unlink()
    mobileops("repo", "init", str(tmp_path / "shop"))
    code, _, err = mobileops("publish", "echo", "--repository", str(tmp_path / "shop"))
    assert (code, "MOP3000" in err) == (3, True)
    code, out, err = mobileops("publish", "echo")
    assert (code, "it had no signature: signed by" in err, "published echo" in out) == (0, True, True)


def test_another_signer_needs_a_reason(mobileops, author, tmp_path):
    author.publish("echo")
    mobileops("publish", "echo")
    author.publish("echo", identity="other@localhost", version="2.0.0")
    code, _, err = mobileops("publish", "echo")
    assert (code, "MOP6128" in err) == (3, True)
    assert mobileops("publish", "echo", "--new-signer", "the project moved")[0] == 0
    assert "the project moved" in mobileops("info", "echo")[1]


def test_info_shows_everything_for_people_and_programs(mobileops, author):
    permissions = ["network.http:api.example.com"]
    ranges = {"platform_version": ">=1.0.0", "python_version": ">=3.11"}
    author.publish("base")
    author.publish("echo", permissions=permissions, compatibility=ranges, plugin_dependencies={"base": ">=1"})
    for name in ("base", "echo"):
        mobileops("publish", name)
    mobileops("yank", "echo", "1.0.0", "--reason", "loses data")
    mobileops("deprecate", "echo", "--successor", "base", "--reason", "one is enough")
    said = as_published("info", mobileops("info", "echo", "--json")[1])
    assert (said["repository"], said["releases"][0]["yanked"]) == ("local", "loses data")
    text = mobileops("info", "echo")[1]
    for part in (
        "network.http:api.example.com",
        "Python >=3.11.0",
        "platform >=1.0.0",
        "base >=1.0.0",
        "author@localhost",
        "yanked: loses data",
        "use base; one is enough",
    ):
        assert part in text
    mobileops("deprecate", "echo")
    assert "deprecated: yes" in mobileops("info", "echo")[1]


def test_a_mistyped_name_gets_a_suggestion(mobileops, author):
    author.publish("echo")
    mobileops("publish", "echo")
    code, _, err = mobileops("info", "ecko")
    assert (code, "did you mean 'echo'?" in err) == (1, True)
    assert mobileops("update-metadata", "ecko")[0] == 1


def test_an_edit_says_what_changed(mobileops, author, tmp_path):
    author.publish("echo")
    mobileops("publish", "echo")
    yank = functools.partial(mobileops, "yank", "echo", "1.0.0")
    assert as_published("repository-edit", yank("--reason", "x", "--json")[1])["changed"] == ["releases"]
    assert "said so already" in yank("--reason", "x")[1]
    assert "took back" in yank("--undo")[1]
    assert yank()[0] == yank("--undo", "--reason", "x")[0] == 2
    assert mobileops("yank", "echo", "one", "--reason", "x")[0] == 1
    assert mobileops("deprecate", "echo", "--undo", "--reason", "x")[0] == 2
    assert "said so already" in mobileops("deprecate", "echo", "--undo")[1]
    path = tmp_path / "echo" / "plugin.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"description": "New words"}))
    said = mobileops("update-metadata", "echo", "--json")
    assert as_published("repository-edit", said[1])["changed"] == ["description"]
    path.unlink()
    assert "signed anew" in mobileops("update-metadata", "echo")[2]
    assert mobileops("update-metadata", "echo", "--source", "nowhere")[0] == 1


def test_words_of_another_source_are_refused(mobileops, author):
    author.publish("echo")
    author.publish("other")
    mobileops("publish", "echo")
    assert mobileops("update-metadata", "echo", "--source", "other")[0] == 2


def test_search_is_for_people_and_programs(mobileops, author):
    author.publish("echo", description="Says it again")
    mobileops("publish", "echo")
    found = as_published("search", mobileops("search", "again", "type:service", "--json")[1])
    assert [one["name"] for one in found] == ["echo"]
    code, out, err = mobileops("search", "nothing")
    assert (code, out, "(local)" in err) == (0, "", True)
    assert mobileops("search", "again", "--limit", "0")[0] == 2
    code, _, err = mobileops("search", "typ:service")
    assert (code, "type:service" in err) == (2, True)


def test_available_plugins_are_listed_with_the_installed_version(mobileops, author):
    assert "no repository of this host has a plugin" in mobileops("list", "--available")[2]
    author.publish("echo")
    mobileops("publish", "echo")
    mobileops("install", "echo")
    author.publish("echo", version="2.0.0")
    mobileops("publish", "echo")
    mobileops("deprecate", "echo")
    (one,) = as_published("list-available", mobileops("list", "--available", "--json")[1])
    assert (one["version"], one["installed"], one["deprecated"]) == ("2.0.0", "1.0.0", True)
    assert mobileops("list", "--available", "-q")[1] == "echo\n"
    assert "(deprecated)" in mobileops("list", "--available")[1]


def test_a_repository_on_the_web_is_added_searched_and_removed(mobileops, shop):
    shop.say(document("weather"))
    with served(shop.folder) as url:
        assert mobileops("repo", "add", "corp", url)[0] == 3
        fingerprint = as_published("repo", mobileops("repo", "add", "disk", str(shop.folder), "--json")[1])[
            "fingerprint"
        ]
        assert mobileops("repo", "remove", "disk")[0] == 0
        code, _, err = mobileops("repo", "add", "corp", url, "--fingerprint", fingerprint, "--plugins", "wea*")
        assert code == 0, err
        assert mobileops("repo", "add", "corp", url)[0] == 2
        (listed,) = as_published("repo", mobileops("repo", "list", "--json")[1])
        assert (listed["plugins"], listed["fingerprint"]) == (["wea*"], fingerprint)
        assert "wea*" in mobileops("repo", "list")[1]
        assert "weather" in mobileops("search", "weather")[1]
        assert as_published("repo", mobileops("repo", "claim", "corp", "--none", "--json")[1])["plugins"] == []
        assert "owns other" in mobileops("repo", "claim", "corp", "other")[1]
        assert "owns other, more" in mobileops("repo", "claim", "corp", "more", "other")[1]
        assert mobileops("repo", "claim", "corp")[0] == mobileops("repo", "claim", "corp", "a", "--none")[0] == 2
        code, _, err = mobileops("yank", "weather", "1.0.0", "--reason", "x", "--repository", "corp")
        assert (code, "MOP6131" in err) == (2, True)
        assert mobileops("repo", "remove", "corp", "--json")[0] == 0
    assert mobileops("repo", "list")[1] == ""
    assert mobileops("repo", "remove", "corp")[0] == 1


def test_a_root_may_come_from_whoever_runs_the_repository(mobileops, shop, tmp_path):
    root = shop.folder / "metadata" / "1.root.json"
    assert mobileops("repo", "add", "corp", str(shop.folder), "--root", str(root))[0] == 0
    mobileops("repo", "remove", "corp")
    assert mobileops("repo", "add", "corp", str(shop.folder), "--root", "nowhere")[0] == 2
    (tmp_path / "other.json").write_text("{}")
    assert mobileops("repo", "add", "corp", str(shop.folder), "--root", "other.json")[0] == 3
    assert not (tmp_path / "home" / "repositories" / "corp").exists()
    _, _, err = mobileops("repo", "add", "corp", str(shop.folder))
    assert "compare it with whoever runs it" in err


def test_a_stale_repository_is_used_with_a_warning_if_the_operator_said_so(mobileops, tmp_path):
    old = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=9)
    shop = Shop(tmp_path / "elsewhere", now=old)
    shop.say(document("weather"))
    code, _, err = mobileops("repo", "add", "old", str(shop.folder))
    assert (code, "MOP6103" in err) == (3, True)
    assert mobileops("repo", "add", "old", str(shop.folder), "--max-stale", "3")[0] == 0
    code, _, err = mobileops("info", "weather")
    assert (code, "warning: the repository 'old'" in err) == (0, True)


def test_a_folder_is_made_into_a_repository_and_kept_in_order(mobileops, author, tmp_path):
    folder = str(tmp_path / "plugins")
    assert as_published("repo", mobileops("repo", "init", folder, "--json")[1])["made"]
    assert "already" in mobileops("repo", "init", folder)[1]
    author.publish("echo")
    assert mobileops("publish", "echo", "--repository", folder)[0] == 0
    assert as_published("repo", mobileops("repo", "resign", folder, "--json")[1])["signed"]
    assert "not yet time" in mobileops("repo", "resign", folder, "--if-due")[1]
    assert as_published("repo", mobileops("repo", "rotate", "online", "--repository", folder, "--json")[1])["key_id"]
    assert "the root key of" in mobileops("repo", "rotate", "root", "--repository", folder)[1]
    healthy = as_published("repo", mobileops("repo", "doctor", folder, "--json")[1])
    assert (healthy["problems"], healthy["plugins"], healthy["writable"]) == ([], 1, True)
    for path in (tmp_path / "plugins" / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"other")
    code, out, _ = mobileops("repo", "doctor", folder)
    assert (code, "other bytes" in out) == (1, True)
    assert mobileops("repo", "init")[0] == 0
    assert mobileops("publish", "echo", "--repository", "nobody")[0] == 1


@pytest.mark.parametrize("verb", ["repo doctor", "repo resign", "repo rotate online --repository"])
def test_a_folder_that_is_no_repository_is_said_to_be_none(mobileops, tmp_path, verb):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        code, out, err = mobileops(*verb.split(), str(folder))
        assert (code, out) == (1, "")
        for text in ("there is no repository in", str(folder), "why: ", "mobileops repo init", "MOP6122"):
            assert text in err
    assert list((tmp_path / "empty").iterdir()) == []
    assert "MOP6122" in mobileops(*verb.removesuffix(" --repository").split())[2]


def test_a_local_repository_that_is_made_later_joins_the_others(mobileops, author, shop):
    shop.say(document("weather"))
    mobileops("repo", "add", "corp", str(shop.folder))
    author.publish("echo")
    mobileops("publish", "echo")
    assert [one["name"] for one in json.loads(mobileops("repo", "list", "--json")[1])] == ["corp", "local"]
    assert mobileops("list", "--available", "-q")[1] == "echo\nweather\n"


def test_whoever_reads_the_local_repository_signs_it_in_time(mobileops, author, tmp_path, monkeypatch):
    import mobileops.toolchain.repository.change as module  # noqa: PLC0415

    author.publish("echo")
    past = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=30)
    with monkeypatch.context() as patched:
        for place in ("change", "creation"):
            patched.setattr(f"mobileops.toolchain.repository.{place}.present", lambda: past)
        assert mobileops("publish", "echo")[0] == 0
        assert module.present() == past
    code, _, err = mobileops("search", "echo")
    assert (code, "signed the repository in" in err) == (0, True)
    for path in (tmp_path / "home" / "repository" / "metadata").glob("*.targets.json"):
        path.write_bytes(b"{}")
    assert "warning: the repository does not verify" in mobileops("search", "echo")[2]


def test_reading_needs_neither_toolchain_nor_keys(mobileops, shop, monkeypatch, tmp_path):
    shop.say(document("weather"))
    mobileops("repo", "add", "corp", str(shop.folder))
    (tmp_path / "home" / "repository-keys").mkdir()
    for name in ("keys", "renewal"):
        monkeypatch.setitem(sys.modules, f"mobileops.toolchain.repository.{name}", None)
    assert mobileops("info", "weather")[0] == 0


def test_without_tuf_it_says_what_to_install(mobileops, monkeypatch):
    for name in ("sources", "client", "faults", "fetcher"):
        monkeypatch.delitem(sys.modules, f"mobileops.runtime.repository.{name}", raising=False)
        monkeypatch.delattr(f"mobileops.runtime.repository.{name}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tuf"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tuf", None)
    code, _, err = mobileops("search", "x")
    assert (code, "mobileops-runtime[repository]" in err) == (4, True)


def test_a_local_repository_that_is_made_anew_is_read_from_its_new_root(mobileops, author, tmp_path):
    author.publish("echo")
    mobileops("publish", "echo")
    assert mobileops("info", "echo")[0] == 0
    shutil.rmtree(tmp_path / "home" / "repository")
    assert mobileops("repo", "init")[0] == 0
    assert "MOP6109" in mobileops("info", "echo")[2]
    mobileops("publish", "echo")
    assert mobileops("info", "echo")[0] == 0


def test_a_repository_that_cannot_be_reached_hides_no_other(mobileops, shop, tmp_path):
    other = Shop(tmp_path / "other", now=shop.now)
    shop.say(document("weather"))
    other.say(document("clock"))
    for name, one in (("near", shop), ("far", other)):
        mobileops("repo", "add", name, str(one.folder))
    other.folder.rename(tmp_path / "gone")
    code, out, err = mobileops("list", "--available", "-q")
    assert (code, out) == (0, "weather\n")
    assert "warning: the repository 'far' cannot be read" in err
    shop.folder.rename(tmp_path / "gone-too")
    code, _, err = mobileops("search", "weather")
    assert (code, "MOP6101" in err) == (4, True)
