"""Say in our own words why nothing of a repository was taken: one code for each attack, and for what is no attack.

What python-tuf raises is told apart by its type. Anything else that a library raises while it reads what came from
outside counts as metadata that does not verify: a crash is a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuf.api import exceptions

from mobileops.errors import HostFault, MobileOpsError, RefusedError

if TYPE_CHECKING:
    from mobileops.runtime.repository.configured import Remote

_AGAIN = "try again; if it stays so, tell whoever runs the repository"


def fault(error: Exception, remote: Remote) -> MobileOpsError:
    """Return what to raise for what went wrong while a repository was read."""
    if isinstance(error, MobileOpsError):
        return error
    if isinstance(error, exceptions.SlowRetrievalError):
        return _unreachable("MOP6106", f"the repository {remote.name!r} is too slow", error, remote)
    if isinstance(error, exceptions.DownloadLengthMismatchError):
        return _refused("MOP6105", "sends more than its metadata says", error, remote)
    if isinstance(error, exceptions.DownloadError) or type(error).__module__.startswith("urllib3"):
        return _unreachable("MOP6101", f"the repository {remote.name!r} cannot be read", error, remote)
    if isinstance(error, OSError):
        what = f"what is known of the repository {remote.name!r} cannot be kept or read: {error.strerror or error}"
        fix = "check free space and permissions, then repeat the command"
        return HostFault(what, code="MOP6118", where=str(error.filename or remote.url), fix=fix)
    return _tampered(error, remote)


def _tampered(error: Exception, remote: Remote) -> RefusedError:
    if isinstance(error, exceptions.ExpiredMetadataError):
        refusal = _refused("MOP6103", "has not been signed anew for too long", error, remote)
        refusal.why = "an old state of a repository hides what was published and yanked since (freeze attack)"
        refusal.fix = (
            "who runs it: mobileops repo resign; without a way to it: mobileops repo add --max-stale DAYS accepts "
            "an older state"
        )
        return refusal
    if isinstance(error, exceptions.BadVersionNumberError):
        return _refused("MOP6104", "went back to an older state than this host has seen", error, remote)
    if isinstance(error, exceptions.LengthOrHashMismatchError):
        return _refused("MOP6107", "holds a file that is not what its metadata says", error, remote)
    return _refused("MOP6102", "has metadata that does not verify", error, remote)


def _refused(code: str, what: str, error: Exception, remote: Remote) -> RefusedError:
    return RefusedError(
        f"the repository {remote.name!r} {what}: {type(error).__name__}: {error!s:.300}",
        code=code,
        where=remote.url,
        why="nothing is taken from a repository that cannot prove what it says (The Update Framework, section 5)",
        fix=_AGAIN,
    )


def _unreachable(code: str, what: str, error: Exception, remote: Remote) -> HostFault:
    cause = error.__cause__ or error
    return HostFault(f"{what}: {cause!s:.300}", code=code, where=remote.url, fix="check the address and the network")
