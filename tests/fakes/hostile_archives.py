"""Archives that a strict reader must refuse, each with the code of what is wrong with it."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import TYPE_CHECKING

from tests.fakes.lying_zip import (
    MANIFEST,
    REGULAR,
    Entry,
    archive,
    bundle,
    bundle_entries,
    canonical,
    deflated,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Case:
    """A hostile archive: what to call it, the code it must be refused with, and how to make it."""

    family: str
    title: str
    code: str
    make: Callable[[], bytes]

    def __str__(self) -> str:
        return f"{self.family}-{self.title}"


def _named(title: str, code: str, name: str | bytes, **fields: int) -> Case:
    raw = name if isinstance(name, bytes) else name.encode()
    return Case("name", title, code, lambda: bundle(Entry(raw, b"x", fields=fields)))


NAMES = (
    _named("parent", "MOP2105", "../evil.py"),
    _named("parent-inside", "MOP2105", "lib/../../evil.py"),
    _named("dot", "MOP2105", "./evil.py"),
    _named("absolute", "MOP2103", "/etc/cron.d/evil"),
    _named("server", "MOP2103", "//server/share"),
    _named("backslash", "MOP2104", "..\\evil.py"),
    _named("drive", "MOP2110", "C:/evil.py"),
    _named("stream", "MOP2110", "lib/a.py:evil"),
    _named("question", "MOP2110", "what?.py"),
    _named("empty-part", "MOP2106", "lib//evil.py"),
    _named("folder-entry", "MOP2107", "lib/sub/"),
    _named("ending-dot", "MOP2112", "evil."),
    _named("ending-space", "MOP2112", "evil "),
    _named("folder-ending-space", "MOP2112", "lib /evil.py"),
    _named("device", "MOP2111", "CON"),
    _named("device-with-suffix", "MOP2111", "lib/aux.py"),
    _named("device-superscript", "MOP2111", "COM\u00b9"),
    _named("newline", "MOP2108", "a\nb.py"),
    _named("escape", "MOP2108", "a\x1b[2Jb.py"),
    _named("nul", "MOP2108", "main.py\0.txt"),
    _named("next-line", "MOP2108", "a\u0085b.py"),
    _named("right-to-left", "MOP2109", "a\u202eyp.py"),
    _named("zero-width", "MOP2109", "ma\u200bin.py"),
    _named("byte-order-mark", "MOP2109", "\ufeffmain.py"),
    _named("tag", "MOP2109", "main\U000e0041.py"),
    _named("variation-selector", "MOP2109", "main\ufe0f.py"),
    _named("filler", "MOP2109", "main\u3164.py"),
    _named("no-break-space", "MOP2109", "my\u00a0file.py"),
    _named("private-use", "MOP2109", "main\ue000.py"),
    _named("unassigned", "MOP2109", "main\U000effff.py"),
    _named("decomposed", "MOP2113", "cafe\u0301.py"),
    _named("empty", "MOP2101", ""),
    _named("long-part", "MOP2114", "a" * 300),
    _named("long", "MOP2115", "/".join(["a" * 200] * 6)),
    _named("deep", "MOP2116", "/".join("abcdefghij" * 4)),
    _named("latin-1", "MOP2102", b"caf\xe9.py"),
    _named("overlong", "MOP2102", b"lib\xc0\xafevil.py"),
    _named("surrogate", "MOP2102", b"a\xed\xa0\x80b.py"),
    _named("code-page-437", "MOP2102", "caf\u00e9.py", flags=0),
    _named("flag-without-need", "MOP2102", "plain.py", flags=0x800),
    _named("reserved-folder", "MOP2120", ".mobileops/evil.json"),
)


def _pair(title: str, code: str, *names: str) -> Case:
    return Case("duplicate", title, code, lambda: bundle(*(Entry(name.encode(), b"x") for name in names)))


DUPLICATES = (
    _pair("same", "MOP2117", "main.py"),
    _pair("case", "MOP2118", "MAIN.py"),
    _pair("manifest-case", "MOP2118", "PLUGIN.JSON"),
    _pair("sharp-s", "MOP2118", "stra\u00dfe.py", "strasse.py"),
    _pair("ligature", "MOP2118", "\ufb01le.py", "file.py"),
    _pair("kelvin", "MOP2113", "\u212aelvin.py", "kelvin.py"),
    _pair("full-width", "MOP2118", "\uff4dain.py"),
    _pair("folder-case", "MOP2118", "LIB/b.py"),
    _pair("file-and-folder", "MOP2119", "main.py/evil.py"),
    _pair("folder-and-file", "MOP2119", "lib"),
    _pair("folder-and-file-case", "MOP2119", "LIB"),
)


def _typed(title: str, code: str, *, data: bytes = b"x", mode: int = REGULAR, **central: int) -> Case:
    return Case("type", title, code, lambda: bundle(Entry(b"lib/evil", data, mode=mode, central=central)))


TYPES = (
    _typed("symlink", "MOP2205", data=b"/etc/passwd", mode=0o120777),
    _typed("pipe", "MOP2206", mode=0o010644),
    _typed("device", "MOP2206", mode=0o060644),
    _typed("socket", "MOP2206", mode=0o140644),
    _typed("folder", "MOP2206", mode=0o040755),
    _typed("no-type", "MOP2206", mode=0o644),
    _typed("setuid", "MOP2207", mode=0o104755),
    _typed("sticky", "MOP2207", mode=0o101644),
    _typed("writable-by-all", "MOP2207", mode=0o100666),
    _typed("private", "MOP2207", mode=0o100600),
    _typed("dos-folder-bit", "MOP2206", external=(REGULAR << 16) | 0x10),
    _typed("made-on-dos", "MOP2017", made_by=20),
    _typed("dos-without-mode", "MOP2017", made_by=20, external=0),
    _typed("internal-attributes", "MOP2017", internal=1),
)

TEXT = b"some text, some text, some text, some text\n" * 20
CLOSED = deflated(TEXT)


def _sized(title: str, code: str, **options: object) -> Case:
    options = {"data": TEXT, "method": 8, **options}
    return Case("size", title, code, lambda: bundle(Entry(b"lib/evil.txt", **options)))  # type: ignore[arg-type]


SIZES = (
    _sized("wrong-checksum", "MOP2212", fields={"crc32": 1}),
    _sized("stored-wrong-checksum", "MOP2212", method=0, fields={"crc32": 1}),
    _sized("central-checksum", "MOP2015", central={"crc32": 1}),
    _sized("local-checksum", "MOP2015", local={"crc32": 1}),
    _sized("local-size", "MOP2015", local={"size": 1}),
    _sized("local-compressed-size", "MOP2015", local={"compressed_size": 1}),
    _sized("local-method", "MOP2015", local={"method": 0}),
    _sized("local-name", "MOP2015", local_name=b"lib/good.txt"),
    _sized("local-name-longer", "MOP2014", local_name=b"lib/evil.txt.py"),
    _sized("declared-smaller", "MOP2214", fields={"size": len(TEXT) - 1}),
    _sized("declared-larger", "MOP2215", fields={"size": len(TEXT) + 1}),
    _sized("after-deflate", "MOP2216", body=CLOSED + b"hidden"),
    _sized("broken-deflate", "MOP2213", body=b"\xff" * 20),
    _sized("cut-deflate", "MOP2213", body=CLOSED[:-3]),
    _sized("empty-deflate", "MOP2213", body=b""),
    _sized("lzma", "MOP2201", method=14, body=TEXT),
    _sized("bzip2", "MOP2201", method=12, body=TEXT),
    _sized("aes", "MOP2202", fields={"method": 99, "flags": 1}),
    _sized("encrypted", "MOP2202", fields={"flags": 1}),
    _sized("strong-encryption", "MOP2202", fields={"flags": 0x40}),
    _sized("masked-headers", "MOP2202", fields={"flags": 0x2000}),
    _sized("descriptor", "MOP2203", fields={"flags": 8}, after=b"PK\x07\x08" + bytes(12)),
    _sized("descriptor-flag-only", "MOP2203", fields={"flags": 8}),
    _sized("speed-flags", "MOP2204", fields={"flags": 2}),
    _sized("stored-sizes-differ", "MOP2211", method=0, fields={"size": 1}),
    _sized("deflate-that-grows", "MOP2211", data=b"x", body=b"\x01\x01\x00\xfe\xffx"),
    _sized("version-63", "MOP2017", fields={"needed": 63}),
    _sized("time", "MOP2017", fields={"time": 1}),
    _sized("date", "MOP2017", fields={"date": 0x5AB6}),
)


def _many(count: int) -> bytes:
    return bundle(*(Entry(b"many/%06d" % number) for number in range(count)))


def _total() -> bytes:
    body = bytes(3 << 20)
    size = 500 << 20
    return bundle(*(Entry(b"bomb%d" % number, method=8, body=body, fields={"size": size}) for number in range(5)))


BOMBS = (
    Case("bomb", "ratio", "MOP2210", lambda: bundle(Entry(b"bomb", bytes(8 << 20), 8))),
    Case("bomb", "declared-huge", "MOP2208", lambda: bundle(Entry(b"bomb", TEXT, 8, fields={"size": 600 << 20}))),
    Case(
        "bomb", "declared-small", "MOP2214", lambda: bundle(Entry(b"bomb", bytes(8 << 20), 8, fields={"size": 1 << 20}))
    ),
    Case("bomb", "shared-body", "MOP2014", lambda: bundle(Entry(b"zbomb", TEXT, 8, ghost=True, offset_of=b"lib/a.py"))),
    Case(
        "bomb",
        "overlap",
        "MOP2014",
        lambda: bundle(Entry(b"bomb", TEXT, 8), Entry(b"bomb2", TEXT, 8, offset_of=b"bomb", ghost=True)),
    ),
    Case("bomb", "members", "MOP2010", lambda: _many(9_997)),
    Case("bomb", "total", "MOP2209", _total),
)


def _structure(title: str, code: str, **options: object) -> Case:
    return Case("structure", title, code, lambda: bundle(**options))


def _member(title: str, code: str, **options: object) -> Case:
    return Case("structure", title, code, lambda: bundle(Entry(b"lib/evil.txt", TEXT, 8, **options)))  # type: ignore[arg-type]


def _shuffled() -> bytes:
    entries = bundle_entries(Entry(b"zz.txt", b"x"))
    return archive([*entries[:2], *reversed(entries[2:])])


def _long_name() -> bytes:
    last = GOOD.rindex(b"PK\x01\x02")
    return GOOD[: last + 28] + struct.pack("<H", 200) + GOOD[last + 30 :]


def _second_archive() -> bytes:
    return bundle(prefix=bundle())


GOOD = bundle()

STRUCTURE = (
    _structure("prefix", "MOP2014", prefix=b"#!/bin/sh\n"),
    Case("structure", "prefix-with-old-offsets", "MOP2011", lambda: b"#!/bin/sh\n" + GOOD),
    Case("structure", "archive-before", "MOP2014", _second_archive),
    Case("structure", "two-archives", "MOP2011", lambda: GOOD + GOOD),
    _structure("suffix", "MOP2005", suffix=b"signature"),
    Case("structure", "comment", "MOP2005", lambda: bundle(comment_length=5, suffix=b"hello")),
    Case("structure", "comment-length-only", "MOP2006", lambda: bundle(comment_length=5)),
    _structure("gap-before-directory", "MOP2014", gap=b"hidden"),
    _member("gap-before-member", "MOP2014", before=b"hidden"),
    _member("gap-after-member", "MOP2014", after=b"hidden"),
    _member("not-in-directory", "MOP2014", hidden=True, listed=False),
    _member("only-in-directory", "MOP2014", ghost=True),
    _member("offset-wrong", "MOP2014", central={"offset": 3}),
    _structure("count-small", "MOP2009", count=3),
    _structure("count-large", "MOP2012", count=5),
    _structure("counts-differ", "MOP2009", count_here=3),
    _structure("count-none", "MOP2010", count=0),
    _structure("directory-offset", "MOP2011", central_offset=1),
    _structure("directory-size", "MOP2011", central_size=1),
    _structure("directory-size-huge", "MOP2011", central_size=0x7FFFFFFF),
    _structure("disk", "MOP2007", disk=1),
    _structure("directory-disk", "MOP2007", central_disk=1),
    _member("member-disk", "MOP2007", central={"disk": 1}),
    _structure("zip64-count", "MOP2008", count=0xFFFF),
    _structure("zip64-offset", "MOP2008", central_offset=0xFFFFFFFF),
    _member("zip64-size", "MOP2008", central={"size": 0xFFFFFFFF}),
    _member("extra-in-both", "MOP2016", local_extra=b"up\x01\x00x", central_extra=b"up\x01\x00x"),
    _member("extra-in-directory", "MOP2016", central_extra=b"up\x01\x00x"),
    _member("extra-in-local", "MOP2014", local_extra=b"up\x01\x00x"),
    _member("extra-out-of-the-data", "MOP2016", local_extra_length=4),
    _member("member-comment", "MOP2006", comment=b"hello"),
    _member("no-local-record", "MOP2013", local_name=b"x" * 12, ghost=True, after=bytes(30 + 12 + len(CLOSED))),
    Case("structure", "order", "MOP2018", _shuffled),
    Case("structure", "directory-is-not-one", "MOP2012", lambda: GOOD.replace(b"PK\x01\x02", b"PK\x01\x03")),
    Case("structure", "name-beyond-directory", "MOP2012", _long_name),
    Case("structure", "cut-in-directory", "MOP2004", lambda: GOOD[:-60]),
    Case("structure", "cut-in-data", "MOP2004", lambda: GOOD[: len(GOOD) // 3]),
    Case("structure", "empty-file", "MOP2002", lambda: b""),
    Case("structure", "no-members", "MOP2010", lambda: archive([])),
    Case("structure", "garbage", "MOP2004", lambda: bytes(range(256)) * 4),
    Case("structure", "tar", "MOP2004", lambda: b"main.py".ljust(100, b"\0") + b"0000644\0" + bytes(916)),
)


def _content(title: str, code: str, make: Callable[[], bytes]) -> Case:
    return Case("content", title, code, make)


def _without(name: bytes) -> bytes:
    return archive([entry for entry in bundle_entries() if entry.name != name])


def _table(change: Callable[[dict[str, dict[str, object]]], object]) -> bytes:
    table = json.loads(table_of(bundle_entries()))
    change(table)
    return bundle(table=canonical(table))


CONTENT = (
    _content("no-manifest", "MOP2301", lambda: _without(b"plugin.json")),
    _content("no-table", "MOP2302", lambda: _without(b".mobileops/files.json")),
    _content("manifest-is-not-json", "MOP2303", lambda: bundle(manifest=b"{" * 40)),
    _content("manifest-with-findings", "MOP2303", lambda: bundle(manifest=canonical({**MANIFEST, "type": "virus"}))),
    _content("manifest-not-canonical", "MOP2304", lambda: bundle(manifest=json.dumps(MANIFEST, indent=1).encode())),
    _content("table-is-not-json", "MOP2305", lambda: bundle(table=b"[")),
    _content("table-is-a-list", "MOP2305", lambda: bundle(table=b"[]")),
    _content("table-with-duplicate", "MOP2305", lambda: bundle(table=b'{"a":1,"a":1}')),
    _content("table-not-canonical", "MOP2306", lambda: bundle(table=table_of(bundle_entries()) + b"\n")),
    _content(
        "table-lists-itself", "MOP2305", lambda: _table(lambda t: t.update({".mobileops/files.json": t["main.py"]}))
    ),
    _content("table-with-parent", "MOP2305", lambda: _table(lambda t: t.update({"../x": t["main.py"]}))),
    _content("unlisted", "MOP2307", lambda: bundle(Entry(b"evil.py", b"x", listed=False))),
    _content("missing", "MOP2308", lambda: _table(lambda t: t.update({"gone.py": t["main.py"]}))),
    _content("listed-size", "MOP2309", lambda: _table(lambda t: t["main.py"].update(size=1))),
    _content("listed-digest", "MOP2310", lambda: _table(lambda t: t["main.py"].update(sha256="0" * 64))),
    _content("manifest-digest", "MOP2310", lambda: _table(lambda t: t["plugin.json"].update(sha256="0" * 64))),
    _content("listed-mode", "MOP2311", lambda: _table(lambda t: t["main.py"].update(mode="0755"))),
)

CASES = (*NAMES, *DUPLICATES, *TYPES, *SIZES, *BOMBS, *STRUCTURE, *CONTENT)
