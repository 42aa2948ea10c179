"""A report about one plugin, to be sent to somebody else: texts in a ZIP archive, without secrets.

Hidden are the values of all secret settings of the host, and what looks like a credential: private keys, tokens of
well-known forms, values behind words such as ``password``. The second is a net with holes: whoever sends a report looks
through it before.
"""

from __future__ import annotations

import io
import os
import re
import zipfile  # noqa: TID251  written, never read
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime.redaction import MARK, Redaction
from mobileops.runtime.settings.files import SettingsFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mobileops.runtime.home import Home

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_WHOLE: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,})"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    re.DOTALL,
)
_BEHIND: Final = re.compile(
    r"((?:\b(?:Bearer|Basic)\s+)"
    r"|(?:(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|credentials?)\\?[\"']?\s*[:=]\s*\\?[\"']?)"
    r")(?![{\[]|(?:true|false|null)\b)[^\s\"'\\,;&@]{4,}",
    re.IGNORECASE,
)
_IN_ADDRESS: Final = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{1,100}:)([^\s/@\"']+)(?=@)", re.IGNORECASE)


def hiding(home: Home) -> Callable[[str], str]:
    """Return what takes secrets out of a text.

    Raises:
        HostFault: the secrets of a plugin cannot be read, so they could not be hidden (MOP5401).
    """
    files = SettingsFiles(home)
    names = [path.name.removesuffix(".secrets.json") for path in sorted(home.settings.glob("*.secrets.json"))]
    redaction = Redaction(value for name in names for value in files.load(name).secrets.values())
    return lambda text: _without_credentials(redaction.text(text))


def _without_credentials(text: str) -> str:
    text = _IN_ADDRESS.sub(rf"\1{MARK}", _WHOLE.sub(MARK, text))
    return _BEHIND.sub(rf"\1{MARK}", text)


def write(path: Path, members: Mapping[str, str], *, hide: Callable[[str], str]) -> None:
    """Write a new archive that only this account may read.

    Args:
        path: a name that nothing has.
        members: name -> text.
        hide: of `hiding`.

    Raises:
        HostFault: it cannot be written (MOP5505).
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), hide(text), zipfile.ZIP_DEFLATED)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.getvalue())
    except OSError as error:
        raise HostFault(
            f"the report cannot be written: {error.strerror}",
            code="MOP5505",
            where=str(path),
            fix="name another file with -o",
        ) from error
