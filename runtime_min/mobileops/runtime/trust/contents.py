"""Steps 4 to 6: is the signed statement about this plugin, and is the plugin in order?

What is compared is either an open archive or an installed folder: the same steps, the same codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mobileops.bundle.layout import MANIFEST_MEMBER
from mobileops.errors import RefusedError
from mobileops.manifest.permissions import allows
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mobileops.bundle import Bundle
    from mobileops.manifest import Manifest
    from mobileops.runtime.trust.policy import TrustPolicy
    from mobileops.runtime.trust.statement import Statement
    from mobileops.runtime.trust.steps import Trail


class Contents(NamedTuple):
    """A plugin, as an archive or as installed files.

    Attributes:
        where: path, for errors.
        archive_name: file name of the archive; None where only the files are left of it.
        archive_sha256: its digest, lowercase hex.
        files_sha256: digest of the file table.
        manifest: the manifest inside.
        manifest_sha256: digest of its canonical form.
        check_members: raises RefusedError unless every file is what the file table says.
    """

    where: str
    archive_name: str | None
    archive_sha256: str
    files_sha256: str
    manifest: Manifest
    manifest_sha256: str
    check_members: Callable[[], object]


def of_bundle(bundle: Bundle, *, keep: bool = False) -> Contents:
    """Return an open archive as contents; `keep` is said to `Bundle.check_members`."""
    return Contents(
        where=str(bundle.path),
        archive_name=bundle.path.name,
        archive_sha256=bundle.sha256,
        files_sha256=bundle.files_digest,
        manifest=bundle.manifest,
        manifest_sha256=bundle.files.entries[MANIFEST_MEMBER].sha256,  # the bytes are canonical, and compared with it
        check_members=lambda: bundle.check_members(keep=keep),
    )


def check_subjects(found: Contents, said: Statement, *, trail: Trail) -> None:
    """Step 4.

    Raises:
        TrustRefused: ``MOP3040`` to ``MOP3042``.
    """
    trail.begin(4, f"{said.archive_name} with SHA-256 {said.archive_sha256}, its file table {said.files_sha256}")
    _compare(
        found,
        (
            (Code.SUBJECT_DIGEST, "digest of the archive", found.archive_sha256, said.archive_sha256),
            (
                Code.SUBJECT_NAME,
                "file name of the archive",
                found.archive_name or said.archive_name,
                said.archive_name,
            ),
            (Code.SUBJECT_FILES, "digest of the file table", found.files_sha256, said.files_sha256),
        ),
    )
    trail.found(f"{found.archive_name or 'the installed files'} with SHA-256 {found.archive_sha256}")


def check_predicate(found: Contents, said: Statement, *, policy: TrustPolicy, trail: Trail) -> None:
    """Step 5: what the signer says about the manifest, then what the operator lets this publisher ask for.

    Raises:
        TrustRefused: ``MOP3050`` to ``MOP3053``, ``MOP3115``.
    """
    manifest = found.manifest
    permissions = tuple(manifest.document.get("permissions", ()))
    bound = _bound(policy, manifest.name)
    trail.begin(5, f"{said.name} {said.version}, permissions {_listed(said.permissions)}{bound}")
    _compare(
        found,
        (
            (Code.PREDICATE_NAME, "name of the plugin", manifest.name, said.name),
            (Code.PREDICATE_VERSION, "version of the plugin", str(manifest.version), said.version),
            (Code.PREDICATE_MANIFEST, "digest of the manifest", found.manifest_sha256, said.manifest_sha256),
            (Code.PREDICATE_PERMISSIONS, "list of permissions", permissions, said.permissions),
        ),
    )
    _check_permissions(found, policy)
    trail.found(f"{manifest.name} {manifest.version}, permissions {_listed(permissions)}")


def check_members(found: Contents, *, trail: Trail) -> None:
    """Step 6.

    Raises:
        TrustRefused: ``MOP3060``.
    """
    trail.begin(6, "exactly the files of the signed table, each with its digest")
    try:
        found.check_members()
    except RefusedError as error:
        what = f"a file contradicts the signed file table: {error.what} [{error.code}]"
        raise refuse(Code.MEMBERS, what, where=error.where, why=error.why, fix=error.fix) from error
    trail.found("every file as signed")


def _compare(found: Contents, comparisons: tuple[tuple[Code, str, object, object], ...]) -> None:
    for code, subject, here, signed in comparisons:
        if here != signed:
            again = "get the bundle and its signature again, together, from where they came from"
            raise refuse(
                code,
                f"the {subject} is {here!r}, but {signed!r} was signed",
                where=found.where,
                fix=f"give it its name back, or {again}" if code is Code.SUBJECT_NAME else again,
            )


def _check_permissions(found: Contents, policy: TrustPolicy) -> None:
    publisher = policy.publisher_of(found.manifest.name)
    if publisher is None or publisher.max_permissions is None:
        return
    beyond = [str(needed) for needed in found.manifest.permissions if not allows(publisher.max_permissions, needed)]
    if beyond:
        raise refuse(
            Code.PERMISSIONS,
            f"the plugin asks for {', '.join(beyond)}",
            where=found.where,
            why=f"the rule for {', '.join(publisher.plugins)} in {policy.where}"
            f" allows at most: {_listed(map(str, publisher.max_permissions))}",
            fix="add the permission to max_permissions, if the publisher may ask for it",
        )


def _bound(policy: TrustPolicy, name: str) -> str:
    publisher = policy.publisher_of(name)
    if publisher is None or publisher.max_permissions is None:
        return ""
    return f", at most {_listed(map(str, publisher.max_permissions))}"


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts) or "none"
