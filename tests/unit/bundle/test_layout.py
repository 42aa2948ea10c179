"""The records against an independent writer: the one that makes the hostile archives."""

from __future__ import annotations

import zlib

from mobileops.bundle import layout
from tests.fakes.lying_zip import Entry, archive, deflated

TEXT = b"some text " * 50


def test_an_archive_of_our_records_is_the_archive_of_an_independent_writer():
    entries = [Entry(b"a.txt", TEXT, 8), Entry("b/\u00e9.sh".encode(), TEXT, 8, mode=0o100755)]
    out, central = b"", b""
    for entry in entries:
        fields = {"method": 8, "crc32": zlib.crc32(TEXT), "compressed_size": len(deflated(TEXT)), "size": len(TEXT)}
        central += layout.central_record(entry.name, **fields, mode=entry.mode & 0o777, offset=len(out))
        out += layout.local_record(entry.name, **fields) + deflated(TEXT)
    end = layout.end_record(count=2, central_size=len(central), central_offset=len(out))
    assert out + central + end == archive(entries)


def test_the_members_of_the_format_come_first():
    names = ["zz", "+a", ".mobileops/api.json", ".mobileops/sbom.cdx.json", "plugin.json", ".mobileops/files.json"]
    wanted = [
        "plugin.json",
        ".mobileops/files.json",
        ".mobileops/sbom.cdx.json",
        ".mobileops/api.json",
        "+a",
        "zz",
    ]
    assert sorted(names, key=layout.member_order) == wanted
