"""Publishing: immutable versions, names that have owners, and a commit that a crash cannot halve."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings

import pytest

from mobileops.errors import HostFault, MobileOpsError, NotFoundError, UsageError
from mobileops.manifest import Version, parse
from mobileops.runtime.repository.document import Blob, Deprecated
from mobileops.runtime.repository.query import Query
from mobileops.runtime.repository.search import Index
from mobileops.toolchain.repository import editing, files, superseded
from mobileops.toolchain.repository.change import changing, locked
from mobileops.toolchain.repository.creation import create
from mobileops.toolchain.repository.health import examine
from mobileops.toolchain.repository.keys import Keyring
from tests.fakes.repository import Shop, document


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def refused(act):
    with pytest.raises(MobileOpsError) as caught:
        act()
    return caught.value.code


def test_a_published_bundle_is_offered_with_what_it_needs(shop):
    made = shop.publish(
        "echo",
        permissions=["network.http:api.example.com"],
        plugin_dependencies={"base": ">=1,<2"},
        compatibility={"platform_version": ">=1.0.0", "python_version": ">=3.11"},
        keywords=["sound"],
        homepage="https://example.com/",
    )
    assert (made.name, made.version, made.new_plugin, made.changed) == ("echo", "1.0.0", True, True)
    (candidate,) = shop.sources().versions("echo")
    assert (candidate.name, str(candidate.version), candidate.repository) == ("echo", "1.0.0", "shop")
    assert {name: str(wanted) for name, wanted in candidate.plugin_dependencies.items()} == {"base": ">=1.0.0,<2.0.0"}
    assert str(candidate.python_version) == ">=3.11.0"
    assert candidate.permissions == ("network.http:api.example.com",)
    found = shop.client().document("echo")
    assert (found.homepage, found.keywords) == ("https://example.com/", ("sound",))
    assert examine(shop.folder, shop.keys, now=shop.now).problems == ()


def test_versions_are_listed_newest_first_whatever_the_order(shop):
    for version in ("1.10.0", "1.2.0", "2.0.0-rc.1"):
        shop.publish("echo", version=version, description=f"Words of {version}")
    assert [str(one.version) for one in shop.sources().versions("echo")] == ["2.0.0-rc.1", "1.10.0", "1.2.0"]
    assert shop.client().document("echo").description == "Words of 2.0.0-rc.1"


def test_the_same_bytes_again_are_no_change(shop):
    bundle = shop.publisher.publish("echo")
    assert shop.offer(bundle).changed
    before = (shop.folder / "metadata" / "timestamp.json").read_bytes()
    assert not shop.offer(bundle).changed
    assert (shop.folder / "metadata" / "timestamp.json").read_bytes() == before


def test_a_published_version_with_other_bytes_is_refused(shop):
    shop.publish("echo")
    assert refused(lambda: shop.publish("echo", description="Other words")) == "MOP6127"
    assert refused(lambda: shop.publish("echo", version="1.0.0+build")) == "MOP6127"
    assert shop.publish("echo", version="1.0.1", description="Other words").changed  # the control
    assert (
        shop.client().document("echo").releases[1].archive.sha256
        != shop.client().document("echo").newest.archive.sha256
    )


def test_a_name_belongs_to_its_first_signer_until_it_is_handed_over(shop):
    shop.publish("echo")
    stranger = shop.publisher.publish("echo", identity="mallory@localhost", version="2.0.0")
    assert refused(lambda: shop.offer(stranger)) == "MOP6128"
    assert shop.publish("echo", version="1.1.0").changed  # the control
    assert shop.offer(stranger, handover="the project changed hands").changed
    (handover,) = shop.client().document("echo").handovers
    assert handover.reason == "the project changed hands"
    assert (handover.before["identity"], handover.after["identity"]) == ("author@localhost", "mallory@localhost")


@pytest.mark.parametrize("name", ["ec-ho", "echo-", "acme-rnodel", "acrne-model"])
def test_a_name_that_looks_like_another_is_refused(shop, name):
    shop.publish("echo")
    shop.publish("acme-model")
    if name.endswith("-"):
        name = "e-cho"
    assert refused(lambda: shop.publish(name)) == "MOP6129"
    assert shop.publish("other-name").new_plugin  # the control


def test_what_no_key_of_this_account_may_sign_is_refused(shop, tmp_path):
    shop.publish("echo")
    shop.keys = Keyring(tmp_path / "empty")
    assert refused(lambda: shop.publish("echo", version="2.0.0")) == "MOP6121"


def test_a_damaged_key_is_refused(shop):
    for path in shop.keys.folder.glob("*.pem"):
        path.write_bytes(b"nonsense")
    assert refused(lambda: shop.publish("echo")) == "MOP6120"


def test_a_key_under_another_id_is_refused(shop):
    one, other = shop.keys.folder.glob("*.pem")
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    assert refused(lambda: shop.publish("echo")) == "MOP6120"


def test_nothing_is_signed_that_somebody_put_into_the_folder(shop):
    """The attack: no key, but write access. The next publisher must not sign it."""
    shop.say(document("echo"))
    (path,) = shop.folder.glob("metadata/2.bin-*.json")
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"length"', b'"length "'))
    assert refused(lambda: shop.say(document("echo", "2.0.0"))) == "MOP6123"
    path.write_bytes(kept)
    (target,) = shop.folder.glob("targets/index/echo/*.json")
    words = target.read_bytes()
    target.write_bytes(words.replace(b"A plugin", b"B plugin"))
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        assert refused(lambda: editing.yank(change, "echo", Version.parse("1.0.0"), reason="x")) == "MOP6123"
    target.write_bytes(words)
    shop.say(document("echo", "2.0.0"))  # the control


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.root.json"])
def test_a_damaged_top_is_refused(shop, name):
    path = shop.folder / "metadata" / name
    path.write_bytes(path.read_bytes()[:-20])
    assert refused(lambda: shop.say(document("echo"))) == "MOP6123"


def test_metadata_of_another_type_is_refused(shop):
    metadata = shop.folder / "metadata"
    shutil.copy(metadata / "1.targets.json", metadata / "timestamp.json")
    assert refused(lambda: shop.say(document("echo"))) == "MOP6123"


def test_a_folder_without_a_repository_is_refused(shop, tmp_path):
    (tmp_path / "empty").mkdir()
    shop.folder = tmp_path / "empty"
    assert refused(lambda: shop.say(document("echo"))) == "MOP6122"
    assert list(shop.folder.iterdir()) == []
    shop.folder = tmp_path / "nowhere"
    assert refused(lambda: shop.say(document("echo"))) == "MOP6122"


def test_a_repository_is_made_once_and_never_over_other_things(shop, tmp_path):
    assert not create(shop.folder, shop.keys)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(UsageError, match=r"letter\.txt"):
        create(tmp_path / "full", shop.keys)
    with pytest.raises(HostFault):
        create(tmp_path / "full" / "letter.txt" / "below", shop.keys)


# yank, deprecate, update-metadata


def edit(shop, act):
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        return act(change)


def test_a_yanked_version_says_why_and_keeps_its_bytes(shop):
    shop.publish("echo")
    shop.publish("echo", version="2.0.0")
    before = [one.archive for one in shop.client().document("echo").releases]
    version = Version.parse("2.0.0")
    assert edit(shop, lambda c: editing.yank(c, "echo", version, reason="loses data")).changed == ("releases",)
    found = shop.client().document("echo")
    assert (found.releases[0].yanked, found.newest.version) == ("loses data", "1.0.0")
    assert [one.archive for one in found.releases] == before
    assert shop.sources().versions("echo")[0].yanked == "loses data"
    assert edit(shop, lambda c: editing.yank(c, "echo", version, reason="loses data")).changed == ()
    assert edit(shop, lambda c: editing.yank(c, "echo", version, reason=None)).changed == ("releases",)
    assert shop.client().document("echo").newest.version == "2.0.0"


def test_what_is_not_published_cannot_be_yanked_or_deprecated(shop):
    shop.say(document("echo"))
    with pytest.raises(NotFoundError, match="no version 3"):
        edit(shop, lambda c: editing.yank(c, "echo", Version.parse("3.0.0"), reason="x"))
    with pytest.raises(NotFoundError, match="no plugin"):
        edit(shop, lambda c: editing.deprecate(c, "nobody", None))
    with pytest.raises(NotFoundError, match="no plugin"):
        edit(shop, lambda c: editing.deprecate(c, "echo", Deprecated("nobody")))
    with pytest.raises(UsageError):
        edit(shop, lambda c: editing.deprecate(c, "echo", Deprecated("echo")))


def test_a_deprecated_plugin_names_its_successor(shop):
    shop.say(document("echo"), document("other"))
    edit(shop, lambda c: editing.deprecate(c, "echo", Deprecated("other", "one is enough")))
    assert shop.client().document("echo").deprecated == Deprecated("other", "one is enough")
    assert edit(shop, lambda c: editing.deprecate(c, "echo", None)).changed == ("deprecated",)


def test_words_are_brought_up_to_date_and_digests_are_not(shop):
    shop.publish("echo")
    before = shop.client().document("echo")
    source = json.loads((shop.publisher.workshop / "echo" / "plugin.json").read_text())
    manifest = parse(json.dumps(source | {"description": "New words", "keywords": ["new"]}).encode())
    assert edit(shop, lambda c: editing.describe(c, "echo", manifest)).changed == ("description", "keywords")
    after = shop.client().document("echo")
    assert (after.description, after.releases) == ("New words", before.releases)
    timestamp = (shop.folder / "metadata" / "timestamp.json").read_bytes()
    assert edit(shop, lambda c: editing.describe(c, "echo", None)).changed == ()
    assert (shop.folder / "metadata" / "timestamp.json").read_bytes() != timestamp


# What was superseded


def test_what_no_state_needs_is_removed_after_a_while_and_nothing_else(shop):
    hour = superseded.GRACE_S + 1
    shop.publish("echo")
    (shop.folder / "metadata" / "notes.txt").touch()
    first = {path for path in shop.folder.rglob("*") if path.is_file()}
    version = Version.parse("1.0.0")
    edit(shop, lambda c: editing.yank(c, "echo", version, reason="x"))
    assert all(path.exists() for path in first)
    shop.now = shop.now.fromtimestamp(shop.now.timestamp() + hour, tz=shop.now.tzinfo)
    edit(shop, lambda c: editing.yank(c, "echo", version, reason=None))  # the first document counts again
    gone = {path.name for path in first if not path.exists()}
    assert "2.snapshot.json" in gone
    assert not any(name.endswith("versions.json") for name in gone)
    assert (shop.folder / "metadata" / "notes.txt").exists()
    assert examine(shop.folder, shop.keys, now=shop.now).problems == ()
    shop.client().document("echo")


def test_a_list_of_superseded_files_cannot_name_others(shop, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.touch()
    names = ["../outside.txt", str(outside), "lock", "targets/../lock"]
    (shop.folder / superseded.LIST).write_text(json.dumps(dict.fromkeys(names, 0.0)))
    (shop.folder / "targets" / "stray").parent.mkdir(exist_ok=True)
    (shop.folder / "targets" / "stray").touch()
    shop.say(document("echo"))
    assert outside.exists()
    assert (shop.folder / "lock").exists()
    (shop.folder / superseded.LIST).write_text('{"targets/stray": 0}')
    shop.say(document("echo", "2.0.0"))
    assert not (shop.folder / "targets" / "stray").exists()  # the control


# Two publishers at once, crashes, full disks

PUBLISHER = """
    import sys
    from pathlib import Path
    from tests.fakes.repository import Shop, document
    shop = Shop(Path(sys.argv[1]))
    for number in range(int(sys.argv[3])):
        shop.say(document(f"{sys.argv[2]}-{number}"))
"""


def start(shop, *words):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(PUBLISHER), str(shop.root), *words], text=True)


def test_two_publishers_and_a_reader_at_once_lose_nothing(shop):
    publishers = [start(shop, name, "12") for name in ("left", "right")]
    reads = 0
    while any(one.poll() is None for one in publishers):
        shop.client().document("left-0")
        reads += 1
    assert [one.returncode for one in publishers] == [0, 0]
    assert reads > 0
    client = shop.client()
    assert all(client.document(f"{name}-{number}") for name in ("left", "right") for number in range(12))
    index = Index(client)
    index.update()
    assert len(index.names()) == 24
    assert examine(shop.folder, shop.keys, now=shop.now).plugins == 24


def one_after_the_other(monkeypatch):
    """Have the same steps in the same order each time, and as few of the bins that are all alike as there can be."""
    monkeypatch.setattr("mobileops.bundle.flushing.THREADS", 1)
    monkeypatch.setattr("mobileops.runtime.repository.layout.BIN_BITS", 1)


def crash_at(step, act):
    """Run an act in a process that is killed before its n-th change of the disk; return whether it lived to the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest-xdist has threads, none of which the child needs
        child = os.fork()
    if child == 0:
        left = [step]

        def counted(function):
            def call(*words, **options):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*words, **options)

            return call

        for name in ("fsync", "rename", "replace", "mkdir", "unlink", "write"):
            setattr(os, name, counted(getattr(os, name)))
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
def test_a_publisher_killed_at_any_step_leaves_the_old_state_or_the_new(memory_folder, monkeypatch):
    one_after_the_other(monkeypatch)
    shop = Shop(memory_folder)
    shop.publish("echo")
    bundle = shop.publisher.publish("echo", version="2.0.0")
    step, seen, finished = 0, set(), False
    while not finished:
        copy = shop.root / "crashed"
        shutil.copytree(shop.folder, copy, copy_function=os.link)  # who changes a file replaces it
        whole, shop.folder = shop.folder, copy
        finished = crash_at(step, lambda: shop.offer(bundle))
        fresh = Shop.client(shop, now=shop.now)
        shutil.rmtree(fresh.folder)
        version = shop.client().document("echo").newest.version
        seen.add(version)
        assert examine(copy, shop.keys, now=shop.now).problems == ()
        assert shop.offer(bundle).changed == (version == "1.0.0")
        assert shop.client().document("echo").newest.version == "2.0.0"
        assert list((copy / files.STAGING).iterdir()) == []
        shutil.rmtree(copy)
        shop.folder = whole
        step += 1
    assert seen == {"1.0.0", "2.0.0"}
    assert step > 30


def test_a_full_disk_leaves_the_old_state(shop, monkeypatch):
    shop.say(document("echo"))
    real = os.fsync

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refused(lambda: shop.say(document("echo", "2.0.0"))) == "MOP6125"
    monkeypatch.setattr(os, "fsync", real)
    assert shop.client().document("echo").newest.version == "1.0.0"
    shop.say(document("echo", "2.0.0"))
    assert shop.client().document("echo").newest.version == "2.0.0"


def test_a_bundle_that_changes_while_it_is_published_is_refused(shop, tmp_path):
    (tmp_path / "bundle.zip").write_bytes(b"changed")
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        assert refused(lambda: change.add_file(tmp_path / "bundle.zip", Blob("0" * 64, 7))) == "MOP6124"


def test_who_holds_the_lock_is_waited_for(shop):
    with locked(shop.folder):
        publisher = start(shop, "left", "1")
        with pytest.raises(subprocess.TimeoutExpired):
            publisher.wait(1.5)
    assert publisher.wait(30) == 0
    assert shop.client().document("left-0")


def test_health_names_what_is_missing_or_damaged(shop):
    shop.publish("echo")
    (blob,) = (
        path
        for path in shop.folder.glob("blobs/sha256/*/*")
        if path.stat().st_size > 100 and path.read_bytes()[:2] == b"PK"
    )
    kept = blob.read_bytes()
    blob.write_bytes(b"other")
    assert "other bytes" in examine(shop.folder, shop.keys, now=shop.now).problems[0]
    blob.unlink()
    assert "No such file" in examine(shop.folder, shop.keys, now=shop.now).problems[0]
    blob.write_bytes(kept)
    (search,) = shop.folder.glob("targets/*.search.json")
    words = search.read_bytes()
    search.write_bytes(b"{}")
    assert "search.json" in examine(shop.folder, shop.keys, now=shop.now).problems[0]
    search.write_bytes(words)
    (target,) = shop.folder.glob("targets/index/echo/*.json")
    target.write_bytes(b"{}")
    assert "index/echo" in examine(shop.folder, shop.keys, now=shop.now).problems[0]
    (one, *_) = shop.folder.glob("metadata/2.bin-*.json")
    one.write_bytes(b"{}")
    assert "does not verify" in examine(shop.folder, shop.keys, now=shop.now).problems[0]


def test_an_old_search_entry_is_replaced(shop):
    for number in range(9):
        shop.say(document("echo", f"1.0.{number}", description=f"words{number}"))
        shop.say(document(f"other-{number}"))
    index = Index(shop.client())
    index.update()
    (found,) = index.search(Query.parse(["words8"]), limit=5)
    assert (found.name, found.version) == ("echo", "1.0.8")
    assert index.search(Query.parse(["words3"]), limit=5) == []
