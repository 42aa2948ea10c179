"""What a plugin folder remembers of its template: the file ``.mobileops-template.json``.

::

    {"format": 1, "template": "service", "made_with": "0.1.0", "schema_sha256": "…",
     "name": "my-plugin", "answers": {"author": "…", …}, "base": "…"}

``base`` is what the template made, as base64 of zlib of ``{path: text}``: the common ancestor of a later merge. It
comes from a folder that anybody may have written, so its size, its depth and its paths are checked.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from mobileops.errors import ManifestError, MobileOpsError
from mobileops.manifest import json_text

RECORD_NAME: Final = ".mobileops-template.json"
FORMAT: Final = 1
MAX_RECORD_BYTES: Final = 1 << 20
MAX_BASE_BYTES: Final = 4 << 20
_LEVEL: Final = 9


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a plugin folder was made.

    Law: ``parse(record.to_bytes(), where=…) == record``.

    Attributes:
        template: name of the template.
        made_with: version of the toolchain.
        schema_sha256: of the schema that the template's questions come from.
        name: of the plugin, when it was made.
        answers: question -> answer.
        base: path -> content of every file that the template made.
    """

    template: str
    made_with: str
    schema_sha256: str
    name: str
    answers: Mapping[str, str]
    base: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        texts = {path: content.decode("utf-8") for path, content in self.base.items()}
        packed = zlib.compress(json.dumps(texts, sort_keys=True, ensure_ascii=False).encode("utf-8"), _LEVEL)
        form = {"format": FORMAT, **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)}}
        form["base"] = base64.b64encode(packed).decode("ascii")
        return (json.dumps(form, indent=4, ensure_ascii=False) + "\n").encode("utf-8")


def parse(data: bytes, *, where: str) -> Record:
    """Return the record in a file.

    Raises:
        MobileOpsError: MOP7111, it is none.
    """
    try:
        form = json_text.loads(data, where=where, limit=MAX_RECORD_BYTES)
        return _record(form)
    except ManifestError as error:
        raise _unusable(where, error.what) from error
    except (ValueError, TypeError, KeyError, zlib.error, binascii.Error) as error:
        raise _unusable(where, str(error)) from error


def _record(form: Any) -> Record:  # noqa: ANN401 - JSON
    if not isinstance(form, Mapping) or form.get("format") != FORMAT:
        message = f"its format is not {FORMAT}"
        raise ValueError(message)
    texts = {key: _text(form[key]) for key in ("template", "made_with", "schema_sha256", "name")}
    answers = {_text(key): _text(value) for key, value in dict(form["answers"]).items()}
    return Record(**texts, answers=answers, base=_base(_text(form["base"])))


def _base(packed: str) -> dict[str, bytes]:
    inflater = zlib.decompressobj()
    data = inflater.decompress(base64.b64decode(packed, validate=True), MAX_BASE_BYTES)
    if not inflater.eof:
        message = f"its base is cut off, or longer than {MAX_BASE_BYTES} bytes"
        raise ValueError(message)
    files = json_text.loads(data, where="base", limit=MAX_BASE_BYTES)
    return {_path(path): _text(content).encode("utf-8") for path, content in dict(files).items()}


def _path(text: str) -> str:
    """Return a path that stays inside the folder."""
    path = PurePosixPath(text)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or str(path) != text
        or "\0" in text
        or text == RECORD_NAME
    ):
        message = f"{text!r} is no path inside the plugin"
        raise ValueError(message)
    return text


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        message = f"{str(value)[:40]!r} is not text"
        raise TypeError(message)
    return value


def _unusable(where: str, why: str) -> MobileOpsError:
    return MobileOpsError(
        f"{RECORD_NAME} cannot be used",
        code="MOP7111",
        where=where,
        why=why,
        fix="restore it from version control",
    )
