"""What somebody can do who controls a repository's server, its folder, or another repository; each with its control."""

from __future__ import annotations

import datetime
import http.server
import io
import shutil

import msgspec
import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import SlowRetrievalError
from tuf.api.metadata import Metadata

from mobileops.errors import HostFault, RefusedError
from mobileops.manifest import Version
from mobileops.runtime.repository import fetcher, layout
from mobileops.runtime.repository.client import Client
from mobileops.runtime.repository.configured import Remote
from mobileops.runtime.repository.document import encode
from mobileops.runtime.repository.fetcher import Fetcher
from mobileops.runtime.repository.sources import Sources
from mobileops.toolchain.repository.change import changing
from tests.fakes.repository import Shop, document, served, serving

DAY = datetime.timedelta(days=1)


@pytest.fixture
def shop(tmp_path):
    one = Shop(tmp_path)
    one.say(document("echo"))
    return one


def refused(act):
    """Return the code with which something is refused."""
    with pytest.raises((RefusedError, HostFault)) as caught:
        act()
    return caught.value.code


def version_of(shop):
    return Metadata.from_file(str(shop.folder / "metadata" / "timestamp.json")).signed.version


# Rollback


def test_an_older_state_than_this_host_has_seen_is_refused(shop):
    with shop.earlier():
        shop.say(document("echo", "2.0.0"))
        assert shop.client().document("echo").newest.version == "2.0.0"
    assert refused(shop.client().refresh) == "MOP6104"


def test_control_a_host_that_has_not_seen_the_newer_state_takes_the_older_one(shop):
    with shop.earlier():
        shop.say(document("echo", "2.0.0"))
    assert shop.client().document("echo").newest.version == "1.0.0"


# Freeze


def test_a_state_that_has_expired_is_refused(shop):
    assert refused(shop.client(now=shop.now + 7 * DAY).refresh) == "MOP6103"


def test_control_a_state_that_has_not_expired_is_taken(shop):
    shop.client(now=shop.now + 6.9 * DAY).refresh()


def test_a_stale_state_is_taken_as_long_as_the_operator_allows_and_no_longer(shop):
    client = shop.client(now=shop.now + 9 * DAY, max_stale_s=3 * 86_400)
    assert client.document("echo").name == "echo"
    assert client.expired_at == shop.now + 7 * DAY
    assert refused(shop.client(now=shop.now + 10 * DAY, max_stale_s=3 * 86_400).refresh) == "MOP6103"


# Mix and match


def test_a_bin_of_an_older_state_among_newer_metadata_is_refused(shop):
    bin_file = min(shop.folder.glob("metadata/2.bin-*.json"))
    shop.say(document("echo", "2.0.0"))
    newer = bin_file.with_name(bin_file.name.replace("2.", "3.", 1))
    kept = newer.read_bytes()
    newer.write_bytes(bin_file.read_bytes())
    assert refused(lambda: shop.client().document("echo")) == "MOP6104"
    newer.write_bytes(kept)  # the control
    assert shop.client().document("echo").newest.version == "2.0.0"


def test_a_snapshot_of_an_older_state_under_a_newer_timestamp_is_refused(shop):
    shop.say(document("echo", "2.0.0"))
    metadata = shop.folder / "metadata"
    shutil.copy(metadata / "2.snapshot.json", metadata / "3.snapshot.json")
    assert refused(shop.client().refresh) == "MOP6107"


# Wrong keys


def test_metadata_that_another_key_signed_is_refused(shop):
    path = shop.folder / "metadata" / "timestamp.json"
    timestamp = Metadata.from_file(str(path))
    timestamp.signed.version += 1
    timestamp.sign(CryptoSigner.generate_ed25519())
    timestamp.to_file(str(path))
    assert refused(shop.client().refresh) == "MOP6102"
    online = shop.keys.signers(Metadata.from_file(str(path.with_name("1.root.json"))).signed.roles["timestamp"].keyids)
    timestamp.sign(online[0])  # the control
    timestamp.to_file(str(path))
    shop.client().refresh()


def test_a_root_that_its_predecessor_did_not_sign_is_refused(shop):
    root = Metadata.from_file(str(shop.folder / "metadata" / "1.root.json"))
    stranger = CryptoSigner.generate_ed25519()
    root.signed.version = 2
    root.signed.add_key(stranger.public_key, "timestamp")
    root.sign(stranger)
    root.to_file(str(shop.folder / "metadata" / "2.root.json"))
    assert refused(shop.client().refresh) == "MOP6102"
    root.sign(*shop.keys.signers(root.signed.roles["root"].keyids))  # the control
    root.to_file(str(shop.folder / "metadata" / "2.root.json"))
    shop.client().refresh()


def test_a_first_root_that_is_not_the_confirmed_one_is_refused(shop, tmp_path):
    client = Client(shop.remote(), tmp_path / "other")
    assert refused(lambda: client.trust_first("00" * 32)) == "MOP6114"
    assert not (client.folder / "root.json").exists()
    right = client.trust_first()  # the control
    assert client.trust_first(right.upper()) == right


def test_a_first_root_over_an_unencrypted_connection_needs_a_fingerprint(shop, tmp_path):
    with served(shop.folder) as url:
        client = Client(shop.remote(url), tmp_path / "other")
        assert refused(client.trust_first) == "MOP6114"
        fingerprint = Client(shop.remote(), tmp_path / "third").trust_first()
        assert client.trust_first(fingerprint) == fingerprint  # the control


# Endless data and slow retrieval


class Endless(http.server.BaseHTTPRequestHandler):
    """Answers every request with bytes for ever."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 65_536)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


def test_metadata_without_end_is_cut_off(shop):
    with serving(Endless) as url:
        client = shop.client(url)
        assert refused(client.refresh) == "MOP6105"
        assert client.fetcher.bytes_read < layout.MAX_ROOT_BYTES + fetcher.CHUNK_BYTES


def test_a_blob_without_end_is_cut_off(shop):
    release = shop.client().document("echo").newest
    with serving(Endless) as url:
        client = shop.client(url)
        assert refused(lambda: client.save(release.archive, io.BytesIO())) == "MOP6105"
        assert client.fetcher.bytes_read <= fetcher.CHUNK_BYTES


class Silent(Endless):
    """Accepts a request and says nothing until the client has gone."""

    def do_GET(self):
        self.connection.recv(1)
        self.close_connection = True


def test_a_server_that_says_nothing_is_given_up(shop):
    with serving(Silent) as url:
        client = Client(shop.remote(url), shop.client().folder, fetcher=Fetcher("test", silence_s=0.2))
        assert refused(client.refresh) == "MOP6106"


def test_a_server_that_drips_bytes_is_given_up():
    seconds = iter(range(0, 10_000, 5))
    one = Fetcher("test", clock=lambda: next(seconds))
    taken = []
    with pytest.raises(SlowRetrievalError):
        taken.extend(one._chunks(lambda _: b"x", lambda: None))
    assert len(taken) < 4


def test_control_a_server_that_is_fast_enough_is_read_to_its_end():
    seconds = iter(range(0, 10_000, 5))
    chunks = iter([b"x" * 64_000] * 100)
    one = Fetcher("test", clock=lambda: next(seconds))
    assert len(b"".join(one._chunks(lambda _: next(chunks, b""), lambda: None))) == 6_400_000


# Tampering


def test_a_document_that_was_changed_is_refused(shop):
    (path,) = shop.folder.glob("targets/index/echo/*.versions.json")
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"A plugin", b"B plugin"))
    assert refused(lambda: shop.client().document("echo")) == "MOP6107"
    path.write_bytes(kept)  # the control
    assert shop.client().document("echo").description == "A plugin for tests"


def test_a_bundle_that_was_changed_is_refused_and_leaves_nothing(tmp_path):
    shop = Shop(tmp_path)
    published = shop.publish()
    path = shop.folder / layout.blob_path(published.sha256)
    kept = path.read_bytes()
    into = tmp_path / "into"
    into.mkdir()
    for changed in (kept[:-1] + bytes([kept[-1] ^ 1]), kept[:-1]):
        path.write_bytes(changed)
        assert refused(lambda: shop.sources().fetch("echo", Version.parse("1.0.0"), into)) == "MOP6107"
        assert list(into.iterdir()) == []
    path.write_bytes(kept)  # the control
    bundle = shop.sources().fetch("echo", Version.parse("1.0.0"), into)
    with shop.publisher.decision()(bundle, bundle.with_name(f"{bundle.name}.sigstore.json")) as verified:
        assert verified.sha256 == published.sha256


def test_a_document_about_another_plugin_is_refused(shop):
    assert shop.client().document("echo").name == "echo"  # the control
    with changing(shop.folder, shop.keys, now=shop.now) as change:
        change.put(layout.document_path("echo"), encode(document("mallory")))
        change.commit()
    assert refused(lambda: shop.client().document("echo")) == "MOP6108"


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "../../../etc-cp311"},
        {"archive": {"sha256": "../" * 20 + "0000", "size_bytes": 1}},
        {"archive": {"sha256": "0" * 64, "size_bytes": -1}},
        {"version": 1},
    ],
)
def test_a_document_that_names_places_or_nonsense_is_refused(shop, change):
    built = msgspec.to_builtins(document("echo"))
    built["releases"] = [built["releases"][0] | change]
    with changing(shop.folder, shop.keys, now=shop.now) as one:
        one.put(layout.document_path("echo"), msgspec.json.encode(built))
        one.commit()
    assert refused(lambda: shop.client().document("echo")) == "MOP6108"


# Downgrade of the connection


def redirecting(target):
    class Redirecting(Endless):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", target + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Redirecting


def test_a_redirect_to_this_hosts_disk_is_not_followed(shop):
    with serving(redirecting(shop.folder.as_uri())) as url:
        assert refused(shop.client(url).refresh) == "MOP6101"


def test_control_a_redirect_to_another_server_is_followed(shop):
    with served(shop.folder) as mirror, serving(redirecting(mirror)) as url:
        shop.client(url).refresh()


def test_a_redirect_from_encryption_to_none_is_not_followed():
    with pytest.raises(Exception, match="not followed"):
        fetcher._followed("https://a.example/x", "http://a.example/x")
    assert fetcher._followed("https://a.example/x", "https://b.example/x") == "https://b.example/x"
    assert fetcher._followed("http://a.example/x", "https://a.example/x") == "https://a.example/x"


def test_redirects_in_a_circle_end(shop):
    with serving(redirecting("")) as url:
        assert refused(shop.client(url).refresh) == "MOP6101"


# Dependency confusion


@pytest.fixture
def two(tmp_path):
    """A company's repository and a public one in which a stranger has published a higher version of the same name."""
    corp, public = Shop(tmp_path / "corp", "corp"), Shop(tmp_path / "public", "public")
    corp.say(document("corp-billing"))
    public.say(document("corp-billing", "99.0.0"), document("weather"))
    corp.client()
    for shop in (public,):
        Client(shop.remote(), corp.home.repositories / shop.name, now=shop.now).trust(
            (shop.folder / "metadata" / "1.root.json").read_bytes()
        )
    return corp, public


def versions(corp, name, *remotes):
    return [(one.repository, str(one.version)) for one in Sources(corp.home, remotes, now=corp.now).versions(name)]


def test_a_name_in_two_repositories_is_refused_whatever_the_order(two):
    corp, public = two
    for remotes in ((corp.remote(), public.remote()), (public.remote(), corp.remote())):
        assert refused(lambda remotes=remotes: versions(corp, "corp-billing", *remotes)) == "MOP6111"
    assert versions(corp, "weather", corp.remote(), public.remote()) == [("public", "1.0.0")]  # the control


def test_a_name_that_a_repository_owns_is_taken_from_it_alone(two):
    corp, public = two
    owning = corp.remote(plugins=("corp-*",))
    assert versions(corp, "corp-billing", public.remote(), owning) == [("corp", "1.0.0")]
    assert versions(corp, "corp-secret", public.remote(), owning) == []  # although public might have it
    assert versions(corp, "weather", public.remote(), owning) == [("public", "1.0.0")]


def test_a_repository_that_is_used_for_its_own_names_alone_has_no_say_about_others(two):
    corp, public = two
    corp.say(document("weather", "99.0.0"))
    for only, answer in ((False, "MOP6111"), (True, None)):
        remotes = (corp.remote(plugins=("corp-*",), only=only), public.remote())
        if answer:
            assert refused(lambda remotes=remotes: versions(corp, "weather", *remotes)) == answer
        else:
            assert versions(corp, "weather", *remotes) == [("public", "1.0.0")]


def test_a_name_is_not_taken_elsewhere_while_its_repository_cannot_be_asked(two):
    corp, public = two
    shutil.rmtree(corp.folder)
    assert refused(lambda: versions(corp, "corp-billing", corp.remote(), public.remote())) == "MOP6101"
    assert (
        refused(lambda: versions(corp, "corp-billing", corp.remote(plugins=("corp-*",)), public.remote())) == "MOP6101"
    )


def test_two_repositories_that_own_one_name_are_refused(two):
    corp, public = two
    remotes = (corp.remote(plugins=("corp-*",)), public.remote(plugins=("corp-billing",)))
    assert refused(lambda: versions(corp, "corp-billing", *remotes)) == "MOP6111"


def test_an_unknown_scheme_is_refused(tmp_path):
    client = Client(Remote(name="x", url="ftp://example.com"), tmp_path / "x")
    assert refused(client.trust_first) == "MOP6101"
