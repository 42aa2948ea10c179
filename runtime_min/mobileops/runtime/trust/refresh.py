"""Fetch the present root of the public Sigstore: the only act of trust that uses the network, and only when asked.

python-tuf verifies what it fetches, from the TUF root that ships with this package on (The Update Framework, section
5.3): a forged, rolled back or expired answer ends the update, and the root that is there stays.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from mobileops.runtime import __version__, durable
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust import _sigstore, public_root
from mobileops.runtime.trust.anchors import MAX_ROOT_BYTES
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from mobileops.errors import TrustRefused
    from mobileops.runtime.home import Home

TARGET: Final = "trusted_root.json"


class Refreshed(NamedTuple):
    """What an update did.

    Attributes:
        sha256: digest of the root that counts now, lowercase hex.
        changed: whether it is another one than before.
    """

    sha256: str
    changed: bool


def refresh(home: Home, *, url: str = public_root.TUF_URL, bootstrap: bytes | None = None) -> Refreshed:
    """Fetch, verify and keep the present root.

    Args:
        home: whose ``public_instance`` it becomes.
        url: of the TUF repository.
        bootstrap: the TUF root to start from; None for the one that ships.

    Raises:
        TrustRefused: ``MOP3132`` it cannot be fetched or does not verify, ``MOP3133`` it is no usable root.
        OSError: it cannot be kept.
    """
    data = _fetch(home, url.rstrip("/"), bootstrap or public_root.TUF_ROOT.read_bytes())
    _sigstore.check_root(data)
    before = home.public_root if home.public_root.exists() else public_root.PATH
    changed = before.read_bytes() != data
    durable.write(home.public_root, data, mode=0o644)
    return Refreshed(hashlib.sha256(data).hexdigest(), changed)


def _fetch(home: Home, url: str, bootstrap: bytes) -> bytes:
    targets = home.tuf / "targets"
    targets.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        updater = Updater(
            metadata_dir=str(home.tuf),
            metadata_base_url=url,
            target_base_url=f"{url}/targets/",
            target_dir=str(targets),
            config=UpdaterConfig(app_user_agent=f"mobileops/{__version__}"),
            bootstrap=bootstrap,
        )
        updater.refresh()
        found = updater.get_targetinfo(TARGET)
        if found is None or found.length > MAX_ROOT_BYTES:
            raise ValueError(f"the repository has no {TARGET} of at most {MAX_ROOT_BYTES} bytes")  # noqa: TRY301
        return read_regular(home.tuf / _downloaded(updater, found), limit=MAX_ROOT_BYTES)
    except Exception as error:  # python-tuf, requests and urllib3 raise what they like: nothing of it is an update
        raise _failed(url, error) from error


def _downloaded(updater: Updater, found: object) -> str:
    """Return the path of the verified target."""
    return updater.find_cached_target(found) or updater.download_target(found)  # type: ignore[arg-type]


def _reason(error: Exception) -> str:
    """Return what an error says; python-tuf leaves it to the cause, at times."""
    return str(error) or str(error.__cause__ or "no reason is given")


def _failed(url: str, error: Exception) -> TrustRefused:
    return refuse(
        Code.REFRESH_FAILED,
        f"the public root could not be refreshed: {type(error).__name__}: {_reason(error):.300}",
        where=url,
        why="what is fetched is verified with TUF from the root that ships",
        fix="repeat it with a network; the present root stays in use",
    )
