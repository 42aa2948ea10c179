"""Every reason for which a bundle is refused, with its stable code and one line of meaning.

``MOP20xx`` structure of the archive · ``MOP21xx`` member names · ``MOP22xx`` member types, sizes, methods, checksums ·
``MOP23xx`` content ·
``MOP2501`` descriptions. The reference documentation is generated from this table.
"""

from __future__ import annotations

import enum
from typing import Self


class CodeTable(enum.StrEnum):
    """Base of a table of codes; each member is a stable code, its ``.meaning`` says in one line when it is raised."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make the string `value` with its meaning attached."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code


class Code(CodeTable):
    """Every reason for which a bundle is refused."""

    # Structure of the archive.
    NO_FILE = "MOP2000", "there is no bundle at this path"
    NOT_REGULAR = "MOP2001", "the path is a link, a folder, a pipe or a device, not a regular file"
    TOO_SHORT = "MOP2002", "the file is shorter than the smallest archive"
    TOO_LARGE = "MOP2003", "the file is larger than any bundle may be"
    NO_END = "MOP2004", "there is no end record: the file is truncated or not a ZIP archive"
    TRAILING = "MOP2005", "there are bytes after the end record"
    COMMENT = "MOP2006", "the archive or one of its members has a comment"
    MULTI_DISK = "MOP2007", "the archive claims to be a part of several"
    ZIP64 = "MOP2008", "the archive uses ZIP64 fields"
    COUNT = "MOP2009", "the counts of members disagree"
    MEMBER_LIMIT = "MOP2010", "there are too few or too many members"
    DIRECTORY_PLACE = "MOP2011", "the central directory does not lie directly before the end record"
    CENTRAL_RECORD = "MOP2012", "a central directory record is broken or cut off"
    LOCAL_RECORD = "MOP2013", "there is no local record where the directory says"
    GAP = "MOP2014", "bytes belong to no member, or to two"
    DISAGREE = "MOP2015", "the local and the central record of a member disagree"
    EXTRA = "MOP2016", "a member has extra fields"
    FIXED_FIELD = "MOP2017", "a field that never varies (time, version, attributes) has another value"
    ORDER = "MOP2018", "the members are not in the order of the profile"
    UNREADABLE = "MOP2019", "the file could not be read, or changed while it was read"

    # Names of the members.
    NAME_EMPTY = "MOP2101", "a member has no name"
    NAME_ENCODING = "MOP2102", "a name is not valid UTF-8, or its UTF-8 flag is wrong"
    NAME_ABSOLUTE = "MOP2103", "a name is absolute"
    NAME_BACKSLASH = "MOP2104", "a name contains a backslash"
    NAME_DOTS = "MOP2105", "a part of a name is '.' or '..'"
    NAME_EMPTY_PART = "MOP2106", "a part of a name is empty"
    NAME_DIRECTORY = "MOP2107", "a member is a directory entry"
    NAME_CONTROL = "MOP2108", "a name contains a control character"
    NAME_INVISIBLE = "MOP2109", "a name contains invisible, bidirectional, tag or unassigned characters"
    NAME_WINDOWS_CHARACTER = "MOP2110", "a name contains a character that Windows gives a meaning"
    NAME_WINDOWS_RESERVED = "MOP2111", "a part of a name is a Windows device"
    NAME_WINDOWS_ENDING = "MOP2112", "a part of a name ends with a dot or a space"
    NAME_NOT_NFC = "MOP2113", "a name is not in Unicode normal form C"
    NAME_PART_LENGTH = "MOP2114", "a part of a name is too long"
    NAME_LENGTH = "MOP2115", "a name is too long"
    NAME_DEPTH = "MOP2116", "a name is too deep"
    NAME_DUPLICATE = "MOP2117", "two members have the same name"
    NAME_COLLISION = "MOP2118", "two names differ only in case or compatible characters"
    NAME_FILE_AND_FOLDER = "MOP2119", "a name is a file and a folder at once"
    NAME_RESERVED = "MOP2120", "a name lies in the folder that belongs to the format"

    # Types, sizes, methods and checksums of the members.
    METHOD = "MOP2201", "the compression method is neither stored nor deflate"
    ENCRYPTED = "MOP2202", "a member is encrypted"
    DESCRIPTOR = "MOP2203", "a member has a data descriptor"
    FLAGS = "MOP2204", "a member sets flags outside the profile"
    LINK = "MOP2205", "a member is a symbolic link"
    SPECIAL = "MOP2206", "a member is a folder, a pipe, a device or a socket"
    MODE = "MOP2207", "the mode of a member is neither 0644 nor 0755"
    MEMBER_SIZE = "MOP2208", "a member is larger than any may be"
    TOTAL_SIZE = "MOP2209", "all members together are larger than they may be"
    RATIO = "MOP2210", "a member is compressed so much that it must be an attack"
    STORED_SIZE = "MOP2211", "the two sizes of a stored member differ, or deflate did not make a member smaller"
    CHECKSUM = "MOP2212", "the CRC-32 of a member is wrong"
    BROKEN_DATA = "MOP2213", "the deflate data of a member is broken or cut off"
    INFLATES_TO_MORE = "MOP2214", "a member inflates to more than it declares"
    INFLATES_TO_LESS = "MOP2215", "a member inflates to less than it declares"
    AFTER_DATA = "MOP2216", "there are bytes after the end of the deflate data of a member"

    # Content of the members that belong to the format.
    NO_MANIFEST = "MOP2301", "the first member is not plugin.json"
    NO_FILES = "MOP2302", "the second member is not .mobileops/files.json"
    MANIFEST = "MOP2303", "plugin.json inside the bundle has findings"
    MANIFEST_CANONICAL = "MOP2304", "plugin.json inside the bundle is not canonical (RFC 8785)"
    FILES = "MOP2305", ".mobileops/files.json is malformed"
    FILES_CANONICAL = "MOP2306", ".mobileops/files.json is not canonical (RFC 8785)"
    UNLISTED = "MOP2307", "a member is not listed in .mobileops/files.json"
    MISSING = "MOP2308", "a file that .mobileops/files.json lists is not in the archive"
    SIZE = "MOP2309", "the size of a member is not the listed one"
    DIGEST = "MOP2310", "the SHA-256 of a member is not the listed one"
    LISTED_MODE = "MOP2311", "the mode of a member is not the listed one"
    NO_MEMBER = "MOP2312", "the bundle has no such member"
    READ_LIMIT = "MOP2313", "a member is larger than its reader accepts"
    TARGET = "MOP2314", "the folder to extract into is not an empty directory of its own"
    WRITE = "MOP2315", "the files of a bundle could not be written to disk"

    # What the bundle says about itself; only those who ask for it are refused.
    DESCRIPTION = "MOP2501", "the API description or the SBOM inside the bundle is malformed"
