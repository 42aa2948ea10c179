"""Every reason for which a source folder cannot become a bundle (``MOP24xx``), with one line of meaning."""

from __future__ import annotations

from typing import NoReturn

from mobileops.bundle.codes import CodeTable
from mobileops.errors import PackagingError


class PackCode(CodeTable):
    """A stable code; ``.meaning`` says when it is raised."""

    NO_SOURCE = "MOP2401", "the source is not a folder with a plugin.json or plugin.yaml"
    TWO_MANIFESTS = "MOP2402", "the folder has both plugin.json and plugin.yaml"
    YAML = "MOP2403", "plugin.yaml cannot be read"
    NAME = "MOP2404", "the name of a file cannot travel to every system"
    LINK = "MOP2405", "a file is a symbolic link"
    SPECIAL = "MOP2406", "a file is a pipe, a socket or a device"
    BYTECODE = "MOP2407", "a file is compiled Python, which nobody can review"
    SECRET = "MOP2408", "a file contains a private key or an access token"
    RESERVED = "MOP2409", "a folder of the source has a name that packing makes"
    LEFT_OUT = "MOP2410", "a file that plugin.json names is missing or excluded"
    LIMIT = "MOP2411", "there are too many files, or they are too large"
    CHANGED = "MOP2412", "a file changed while it was packed"
    UNREADABLE = "MOP2413", "a file or folder cannot be read"
    OUTPUT = "MOP2414", "the bundle cannot be written"
    IGNORE = "MOP2415", ".pluginignore cannot be read"
    LOCK_MISSING = "MOP2416", "there are dependencies and no requirements.txt that locks them"
    LOCK_DRIFT = "MOP2417", "requirements.txt and the dependencies in plugin.json disagree"
    LOCK_FAILED = "MOP2418", "the dependencies could not be resolved"
    VENDOR_FAILED = "MOP2419", "the locked dependencies could not be installed"
    REQUIREMENT = "MOP2420", "a dependency is not a PEP 508 requirement"
    OVERRIDE_UNUSED = "MOP2450", "a file is allowed that nothing refuses"
    UNKNOWN_PACKAGE = "MOP2470", "the package index has no package of that name"
    CONFLICT = "MOP2471", "no set of versions meets all requirements"
    NO_WHEEL = "MOP2472", "a package has no wheel for a platform that the lock is for"
    PYTHON_CONFLICT = "MOP2473", "a package does not run on a Python that the plugin declares"
    NO_INDEX = "MOP2474", "the package index was not reached"
    NOT_LOCKED_FOR = "MOP2475", "requirements.txt is not locked for the platform that is packaged for"
    TWO_VERSIONS = "MOP2476", "one bundle cannot carry two versions of a package"
    NO_TARGET = "MOP2477", "the platform is not one that bundles are made for"
    NO_PYTHON = "MOP2478", "the declared range has no Python that the platform runs on"


def fail(
    code: PackCode,
    what: str,
    *,
    fix: str,
    where: str | None = None,
    why: str | None = None,
    cause: BaseException | None = None,
) -> NoReturn:
    """Raise the packaging error with `code`; the meaning of the code is the reason unless `why` gives another."""
    raise PackagingError(what, code=code.value, where=where, why=why or code.meaning, fix=fix) from cause
