"""A plugin repository of 10, 1,000 and 50,000 plugins: publish, refresh, look up and search, with bytes transferred.

Run it with the Python that has the toolchain: ``python benchmarks/repository.py [--json FILE] [--rounds N]``;
``--sizes`` names other sizes, ``--folder`` a folder on another disk. Everything runs in this process, which has
imported what it needs: the command line's own start is in cli_start.py. The peers are what a repository without TUF
does:

publish     floor: write and flush as many bytes in as many files, with the same helper
cold        peer: one gzipped JSON index of all documents, read and decoded
warm        floor: read and decode one file of the size of the timestamp
look up     five plugins of a repository that has not changed: what a resolver asks for
search      peer: a scan of the search records, decoded before; floor: SQLite's FTS5 asked directly
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import gzip
import itertools
import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from _documents import document
from _timing import Contender, as_json, measure, report

from mobileops.runtime.home import Home
from mobileops.runtime.repository import search_log
from mobileops.runtime.repository.client import Client
from mobileops.runtime.repository.configured import Remote
from mobileops.runtime.repository.document import encode
from mobileops.runtime.repository.query import Query
from mobileops.runtime.repository.search import FILE, Index
from mobileops.runtime.repository.sources import Sources
from mobileops.runtime.trust import TrustPolicy, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.repository import catalogue, files, names
from mobileops.toolchain.repository.change import changing
from mobileops.toolchain.repository.creation import create
from mobileops.toolchain.repository.keys import Keyring
from mobileops.toolchain.repository.publishing import publish
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle

QUERIES = 100
CHAIN = 5


@dataclasses.dataclass(frozen=True)
class Shop:
    """A repository, its keys, and a device."""

    root: Path
    keys: Keyring
    home: Home

    @property
    def folder(self) -> Path:
        """The repository."""
        return self.root / "repository"

    @property
    def remote(self) -> Remote:
        """How the device names it."""
        return Remote(name="shop", url=self.folder.as_uri())

    def client(self, *, cold: bool = False) -> Client:
        """Return a client, that has seen nothing or what the last one saw."""
        one = Client(self.remote, self.home.repositories / "shop")
        if cold:
            shutil.rmtree(one.folder, ignore_errors=True)
            one.trust((self.folder / "metadata" / "1.root.json").read_bytes())
        return one

    def fill(self, count: int) -> None:
        """Put documents into it in one commit; nothing is flushed, to have it done in time."""
        flush, os.fsync = os.fsync, lambda _: None
        try:
            with changing(self.folder, self.keys) as change:
                documents = [document(number) for number in range(count)]
                lists: dict[str, dict[str, str]] = {}
                for one in documents:
                    change.put(f"index/{one.name}/versions.json", encode(one))
                    folded = names.shape(one.name)
                    lists.setdefault(names.list_path(folded), {})[folded] = one.name
                for path, taken in lists.items():
                    change.put(path, names.encode(taken))
                catalogue.append(change, [catalogue.record(one) for one in documents])
                change.commit()
        finally:
            os.fsync = flush

    def used_bytes(self) -> dict[Path, int]:
        """Return the size of every file but the documents, by path."""
        places = (self.folder / "metadata", self.folder / "blobs", self.folder / "targets" / "names")
        found = [path for place in places for path in place.rglob("*") if path.is_file()]
        found += [*self.folder.glob("targets/*.json"), *self.folder.glob("targets/index/bench*/*")]
        return {path: path.stat().st_size for path in found}


def bundles(shop: Shop, count: int):  # noqa: ANN201 - open bundles, one after the other
    """Yield verified bundles of one plugin, each a version."""
    source = shop.root / "bench"
    source.mkdir()
    (source / "main.py").write_text("from mobileops.plugin import ServicePlugin\nclass Bench(ServicePlugin): ...\n")
    manifest = {"name": "bench", "description": "A plugin", "author": "Tests", "license": "MIT", "type": "service"}
    signer = LocalSigner(LocalInstance.open_or_create(shop.home.sigstore), "author@localhost")
    policy = TrustPolicy.load(shop.home.trust_policy, local_root=shop.home.sigstore / "trusted_root.json")
    for number in range(count):
        (source / "plugin.json").write_text(
            json.dumps({**manifest, "version": f"1.0.{number}", "entry_point": "main.py", "permissions": []})
        )
        packed = pack(source, shop.root / "dist")
        sign_bundle(packed.path, signer=signer)
        yield verify(packed.path, policy=policy, pins={})


def publishing(shop: Shop, *, rounds: int) -> dict[str, object]:
    """Measure publishing a further version of a plugin."""
    ready = bundles(shop, rounds + 3)
    waiting = [next(ready)]
    written: list[tuple[int, int]] = []

    def once() -> None:
        with changing(shop.folder, shop.keys) as change:
            publish(change, waiting[0])

    def prepare() -> None:
        waiting[0].bundle.close()
        waiting[0] = next(ready)

    once()
    before = shop.used_bytes()
    prepare()
    once()
    new = {
        path: size for path, size in shop.used_bytes().items() if path not in before or path.name == "timestamp.json"
    }
    written.append((len(new), sum(new.values())))
    sizes = list(new.values())
    floor = shop.root / "floor"
    numbers = itertools.count()

    def write_floor() -> None:
        number = next(numbers)
        floor.mkdir(exist_ok=True)
        files.write(floor, {floor / f"{number}-{one}": b"x" * size for one, size in enumerate(sizes)})

    results = measure(
        [Contender("publish", call=once, prepare=prepare), Contender("floor: the same bytes", call=write_floor)],
        rounds=rounds,
    )
    waiting[0].bundle.close()
    return {**report("publish one version", results, subject="publish"), "files": written[0][0], "bytes": written[0][1]}


def refreshing(shop: Shop, *, rounds: int, count: int) -> list[dict[str, object]]:
    """Measure a cold and a warm device, and what a resolver asks for."""
    index = gzip.compress(b"".join(encode(document(number)) for number in range(count)))
    whole = shop.root / "whole.json.gz"
    whole.write_bytes(index)
    stamp = (shop.folder / "metadata" / "timestamp.json").read_bytes()
    last: list[Client] = []
    some = [f"plugin-{number}" for number in range(0, count, count // CHAIN)]

    def cold() -> None:
        last[:] = [shop.client(cold=True)]
        assert last[0].document("plugin-1") is not None

    def warm() -> None:
        last[:] = [shop.client()]
        last[0].refresh()

    def look_up() -> None:
        sources = Sources(shop.home, (shop.remote,))
        last[:] = list(sources.clients.values())
        assert all(sources.versions(name) for name in some)

    def peer() -> None:
        lines = gzip.decompress(whole.read_bytes())
        assert len([json.loads(line) for line in lines.splitlines()]) == count

    reports: list[dict[str, object]] = []
    for title, call, other, contender in (
        ("cold refresh and one document", cold, "the whole index in JSON", peer),
        ("warm refresh", warm, "floor: decode the timestamp", lambda: json.loads(stamp)),
        ("look up five plugins, warm", look_up, "the whole index in JSON", peer),
    ):
        call()
        call()
        results = measure([Contender(title, call=call), Contender(other, call=contender)], rounds=rounds)
        call()
        facts = {"bytes": last[0].fetcher.bytes_read, "requests": last[0].fetcher.requests}
        if contender is peer:
            facts["peer_bytes"] = len(index)
        print(f"  {facts}")
        reports.append({**report(title, results, subject=title), **facts})
    return reports


def indexing(client: Client) -> dict[str, object]:
    """Measure the first search of a device: fetch the log, make the index."""

    def first() -> None:
        (client.folder / FILE).unlink(missing_ok=True)
        Index(client).update()

    log = search_log.decode(client.search_manifest(), where="bench")
    transferred = sum(segment.blob.size_bytes for segment in log.segments)
    (built,) = measure([Contender("make the index", call=first)], rounds=1)
    facts = {"median_s": built.median_s, "cpu_s": built.cpu_s, "bytes": transferred, "segments": len(log.segments)}
    print(f"\nfirst index: {facts}")
    return {"title": "first index", **facts}


def searching(shop: Shop, *, rounds: int, count: int) -> list[dict[str, object]]:
    """Measure the first search, and the next ones."""
    client = shop.client()
    indexed = indexing(client)
    index = Index(client)
    records = [catalogue.record(document(number)) for number in range(count)]
    some = random.Random(2)  # noqa: S311 - the same queries each time
    queries = [" ".join(some.sample(document(some.randrange(count)).description.split(), 2)) for _ in range(QUERIES)]
    taken: list[float] = []
    raw = sqlite3.connect(client.folder / FILE)

    def ours() -> None:
        for text in queries:
            began = time.perf_counter()
            assert index.search(Query.parse([text]), limit=20)
            taken.append(time.perf_counter() - began)

    def scan() -> None:
        for text in queries[: max(1, QUERIES // 20)]:
            words = text.split()
            for record in records:
                all(word in record.description for word in words)

    def direct() -> None:
        for text in queries:
            words = " AND ".join(f'"{word}"*' for word in text.split())
            raw.execute("SELECT name FROM text WHERE text MATCH ? ORDER BY rank LIMIT 20", (words,)).fetchall()

    results = measure(
        [
            Contender(f"{QUERIES} searches", call=ours),
            Contender("floor: FTS5 directly", call=direct),
            Contender(f"scan, {max(1, QUERIES // 20)} of them", call=scan),
        ],
        rounds=rounds,
    )
    raw.close()
    each = {"p50_ms": statistics.median(taken) * 1000, "p95_ms": statistics.quantiles(taken, n=20)[-1] * 1000}
    print(f"  one search: {each}")
    return [indexed, {**report("search", results, subject=f"{QUERIES} searches"), **each}]


def one_size(count: int, *, rounds: int, folder: str | None) -> dict[str, object]:
    """Measure everything at one size."""
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-", dir=folder) as place:
        root = Path(place)
        home = Home(root / "home").prepare()
        shop = Shop(root, Keyring(home.repository_keys), home)
        create(shop.folder, shop.keys)
        print(f"\n=== {count} plugins ({datetime.datetime.now(datetime.UTC):%H:%M:%S})")
        shop.fill(count)
        figures = [publishing(shop, rounds=rounds), *refreshing(shop, rounds=rounds, count=count)]
        print(f"  published in {figures[0]['files']} files, {figures[0]['bytes']} bytes")
        figures += searching(shop, rounds=rounds, count=count)
        shutil.rmtree(shop.folder)
        return {"title": f"{count} plugins", "plugins": count, "figures": figures}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1_000, 50_000])
    parser.add_argument("--folder", help="where to work; its file system is part of what is measured")
    options = parser.parse_args()
    found = [one_size(count, rounds=options.rounds, folder=options.folder) for count in options.sizes]
    if options.json:
        options.json.write_text(as_json(found), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
