"""A device and its repositories: what is asked, what is kept, what is found."""

from __future__ import annotations

import json

import msgspec
import pytest
from urllib3 import ProxyManager

from mobileops.errors import HostFault, NotFoundError, RefusedError, UsageError
from mobileops.manifest import Version
from mobileops.runtime.repository import configured, search_log, sources
from mobileops.runtime.repository.client import Client
from mobileops.runtime.repository.configured import Remote
from mobileops.runtime.repository.document import candidates, decode, encode
from mobileops.runtime.repository.fetcher import Fetcher
from mobileops.runtime.repository.query import Query
from mobileops.runtime.repository.search import FILE, Index
from mobileops.runtime.repository.search_log import Log, Record, Segment
from mobileops.toolchain.repository.change import changing
from tests.fakes.repository import Shop, document, served


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_an_unchanged_repository_costs_one_small_answer(shop):
    shop.say(document("echo"))
    with served(shop.folder) as url:
        cold, warm = shop.client(url), shop.client(url)
        cold.document("echo")
        assert warm.document("echo") == cold.document("echo")
    assert cold.fetcher.requests == 6  # no next root, timestamp, snapshot, targets, bin, document
    assert (warm.fetcher.requests, warm.fetcher.bytes_read < 1000) == (2, True)


def test_a_target_that_is_larger_than_its_kind_may_be_is_not_fetched(shop):
    shop.say(document("echo"))
    client = shop.client()
    with pytest.raises(RefusedError, match="MOP6105"):
        client.target("index/echo/versions.json", limit=100)
    assert client.target("index/echo/versions.json", limit=10_000)  # the control


def test_a_bundle_is_fetched_under_the_name_that_was_signed(shop, tmp_path):
    shop.publish("echo", version="1.0.0+linux.7")
    with served(shop.folder) as url:
        shop.client()
        bundle = shop.sources(url=url).fetch("echo", Version.parse("1.0.0"), tmp_path)
    assert bundle.name == "echo-1.0.0+linux.7.zip"
    with shop.publisher.decision()(bundle, tmp_path / f"{bundle.name}.sigstore.json") as verified:
        assert verified.manifest.name == "echo"


def test_what_is_not_there_is_said_with_what_is(shop, tmp_path):
    shop.say(document("echo"))
    all_of_them = shop.sources()
    assert all_of_them.versions("nobody") == ()
    with pytest.raises(NotFoundError, match="no repository has a plugin 'nobody'"):
        all_of_them.fetch("nobody", Version.parse("1.0.0"), tmp_path)
    with pytest.raises(NotFoundError, match=r"no version 3\.0\.0") as caught:
        all_of_them.fetch("echo", Version.parse("3.0.0"), tmp_path)
    assert "1.0.0" in caught.value.why
    assert not list(tmp_path.glob("*.zip"))


def test_native_code_is_fetched_for_its_platform_alone(shop, tmp_path):
    one = document("echo")
    tagged = msgspec.structs.replace(one.releases[0], platform="linux_x86_64-cp311")
    shop.say(msgspec.structs.replace(one, releases=(tagged,)))
    with pytest.raises(NotFoundError, match="for linux_aarch64-cp311") as caught:
        shop.sources().fetch("echo", Version.parse("1.0.0"), tmp_path, platform="linux_aarch64-cp311")
    assert "linux_x86_64-cp311" in caught.value.why


def test_a_document_is_what_was_written(shop):
    one = document("echo", keywords=("a",), homepage="https://example.com")
    assert decode(encode(one), where="here") == one


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 1}', b"\xff"])
def test_what_is_no_document_is_refused(data):
    with pytest.raises(RefusedError, match="MOP6108"):
        decode(data, where="here")


def test_a_document_of_a_later_format_or_without_versions_is_refused():
    one = json.loads(encode(document("echo")))
    for change in ({"format": 2}, {"releases": []}):
        with pytest.raises(RefusedError, match="MOP6108"):
            decode(json.dumps(one | change).encode(), where="here")


def test_a_version_or_range_that_is_none_is_refused():
    one = json.loads(encode(document("echo")))
    for change in ({"version": "one"}, {"python_version": "three"}, {"plugin_dependencies": {"a": "?"}}):
        changed = decode(json.dumps(one | {"releases": [one["releases"][0] | change]}).encode(), where="here")
        with pytest.raises(RefusedError, match="MOP6108"):
            candidates(changed, "shop", where="here")


def test_a_repository_without_a_root_says_how_to_get_one(shop, tmp_path):
    with pytest.raises(NotFoundError, match="MOP6114"):
        Client(shop.remote(), tmp_path / "new").refresh()


def test_a_cache_that_cannot_be_written_is_a_fault_of_the_host(shop, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostFault, match="MOP6118"):
        Client(shop.remote(), tmp_path / "file").trust(b"{}")


def test_the_local_root_is_taken_without_asking_once(shop):
    remote = shop.remote()
    sources.trust_local(shop.home, remote)
    root = shop.home.repositories / "shop" / "root.json"
    before = root.stat().st_mtime_ns
    sources.trust_local(shop.home, remote)
    assert root.stat().st_mtime_ns == before


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "direct.example")
    one = Fetcher("test")
    assert isinstance(one._pool("http://a.example/"), ProxyManager)
    assert not isinstance(one._pool("http://direct.example/"), ProxyManager)


# Configuration


def test_the_local_repository_alone_is_the_default(shop):
    assert configured.load(shop.home) == ()
    (shop.home.repository / "metadata").mkdir(parents=True)
    (local,) = configured.load(shop.home)
    assert (local.name, local.folder) == ("local", shop.home.repository)


def test_repositories_are_kept_in_their_order(shop):
    remotes = (Remote(name="b", url="https://b.example", plugins=("b-*", "bee")), Remote(name="a", url="file:///a%20b"))
    configured.save(shop.home, remotes)
    assert configured.load(shop.home) == remotes
    assert [remote.owns("b-one") for remote in remotes] == [True, False]
    assert [str(remote.folder) for remote in remotes] == ["None", "/a b"]
    assert configured.named(shop.home, "a") == remotes[1]
    with pytest.raises(NotFoundError, match="MOP6100"):
        configured.named(shop.home, "c")


@pytest.mark.parametrize(
    "values",
    [{"name": "A B"}, {"url": "ftp://x"}, {"max_stale_s": -1}, {"max_stale_s": 91 * 86_400}, {"plugins": ("*x",)}],
)
def test_a_repository_that_cannot_be_used_is_refused(shop, values):
    remote = Remote(**{"name": "one", "url": "https://a.example", **values})
    with pytest.raises(UsageError, match="MOP6113"):
        configured.save(shop.home, (remote,))
    one = {"name": "one", "url": "https://a.example", **values}
    shop.home.repositories_file.write_text(json.dumps({"repositories": [one]}))
    with pytest.raises(RefusedError, match="MOP6112"):
        configured.load(shop.home)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"repositories": [], "more": 1}', '{"repositories": [{"name": "a"}]}'],
)
def test_a_damaged_list_of_repositories_is_refused(shop, text):
    shop.home.repositories_file.write_text(text)
    with pytest.raises(RefusedError, match="MOP6112"):
        configured.load(shop.home)


def test_one_name_for_two_repositories_is_refused(shop):
    one = {"name": "one", "url": "https://a.example"}
    shop.home.repositories_file.write_text(json.dumps({"repositories": [one, one]}))
    with pytest.raises(RefusedError, match="given twice"):
        configured.load(shop.home)


# Search


@pytest.fixture
def index(shop):
    shop.say(
        document("temperature", description="Reads sensors and processes data", type="processing", keywords=("iot",)),
        document("weather", description="Data from a web service", permissions=["network.http:api.example.com"]),
        document("clock", description="Shows the time", identity="https://github.com/acme/clock", type="ui"),
    )
    one = Index(shop.client())
    one.update()
    return one


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("data", ["temperature", "weather"]),
        ("process data", ["temperature"]),
        ("SENS", ["temperature"]),
        ("iot", ["temperature"]),
        ("data type:service", ["weather"]),
        ("type:service type:ui", ["clock", "weather"]),
        ("permission:network", ["weather"]),
        ("permission:network.http", ["weather"]),
        ("permission:network.http:api.example.com", ["weather"]),
        ("permission:network.htt", []),
        ("publisher:acme", ["clock"]),
        ("publisher:ACME data", []),
        ('"quoted" OR data*', []),
        ("nothing", []),
        ("---", ["clock", "temperature", "weather"]),
    ],
)
def test_words_and_filters_find_plugins(index, text, names):
    assert sorted(record.name for record in index.search(Query.parse([text]), limit=10)) == names


def test_a_name_comes_before_a_description(shop, index):
    shop.say(document("data", description="Something"))
    fresh = Index(shop.client())
    fresh.update()
    assert [record.name for record in fresh.search(Query.parse(["data"]), limit=1)] == ["data"]


def test_an_unknown_filter_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="MOP6115") as caught:
        Query.parse(["typ:service"])
    assert "type:service" in caught.value.fix
    with pytest.raises(UsageError) as caught:
        Query.parse(["zzz:service"])
    assert "publisher" in caught.value.fix


def test_the_index_takes_over_only_what_is_new(shop, index):
    shop.say(*(document(f"plugin-{number}") for number in range(50)))
    Index(shop.client()).update()
    shop.say(document("one-more"))
    client = shop.client()
    fresh = Index(client)
    client.search_manifest()
    before = client.fetcher.bytes_read
    fresh.update()
    assert client.fetcher.bytes_read - before < 1000
    assert len(fresh.names()) == 54
    requests = client.fetcher.requests
    fresh.update()
    assert client.fetcher.requests == requests


def test_a_damaged_index_is_made_again(shop, index):
    (shop.client().folder / FILE).write_bytes(b"no database" * 1000)
    fresh = Index(shop.client())
    fresh.update()
    assert len(fresh.names()) == 3


def test_an_index_that_cannot_be_made_is_a_fault_of_the_host(shop, index):
    path = shop.client().folder / FILE
    path.unlink()
    path.mkdir()
    with pytest.raises(HostFault, match="MOP6118"):
        Index(shop.client()).update()


def test_another_log_under_the_same_root_replaces_the_index(shop, index):
    record = Record("new", "1.0.0", "service", "Words", "Tests", (), (), "author")
    data, inflated = search_log.deflate([record])
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        log = Log(segments=(Segment(change.add(data), inflated, 1, 1, 1),))
        change.put("search.json", search_log.encode(log))
        change.commit()
    fresh = Index(shop.client())
    fresh.update()
    assert fresh.names() == ["new"]


def test_a_segment_that_lies_about_itself_is_refused(shop):
    record = Record("new", "1.0.0", "service", "Words", "Tests", (), (), "author")
    data, inflated = search_log.deflate([record])
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        blob = change.add(data)
    for bytes_, size in ((data, inflated - 1), (data, inflated + 1), (data[:-9], inflated), (b"no gzip", 7)):
        with pytest.raises(RefusedError, match="MOP6108"):
            search_log.inflate(bytes_, Segment(blob, size, 1, 1, 1), where="here")
    assert search_log.inflate(data, Segment(blob, inflated, 1, 1, 1), where="here") == [record]


def test_segments_grow_together_so_that_there_are_few(shop):
    for number in range(40):
        shop.say(document(f"plugin-{number:02}"))
    log = search_log.decode(shop.client().search_manifest(), where="here")
    assert log.last == 40
    assert len(log.segments) <= 4
    assert [one.first for one in log.segments[1:]] == [one.last + 1 for one in log.segments[:-1]]


@pytest.mark.parametrize("data", [b"[]", b'{"format": 2}', b'{"segments": [1]}'])
def test_what_is_no_list_of_segments_is_refused(data):
    with pytest.raises(RefusedError, match="MOP6108"):
        search_log.decode(data, where="here")
