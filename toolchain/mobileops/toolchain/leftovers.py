"""What lies in a plugin's source folder and does not go into its bundle, known by its name.

Validation and packaging both ask here: what packaging would ship is what validation looks into. Two things are not of
this table: `.pluginignore`, which each author writes, and ``vendor``, which packaging fills itself.
"""

from __future__ import annotations

import os
from typing import Final

_FOLDERS: Final = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr", "_darcs", "CVS"), "version control"),
    **dict.fromkeys(("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache"), "cache"),
    **dict.fromkeys((".nox", ".tox", ".eggs", "node_modules", ".ipynb_checkpoints"), "cache"),
    **dict.fromkeys((".venv", "venv"), "virtual environment"),
    **dict.fromkeys((".idea", ".vscode"), "editor settings"),
}
_TOP_FOLDERS: Final = {"dist": "build output", "build": "build output"}
_VIRTUAL_ENVIRONMENT_MARK: Final = "pyvenv.cfg"

_FILES: Final = {
    **dict.fromkeys((".git", ".gitignore", ".gitattributes", ".gitmodules", ".hgignore"), "version control"),
    **dict.fromkeys((".DS_Store", "Thumbs.db", "desktop.ini", ".directory"), "left by a file manager"),
    **dict.fromkeys((".coverage", ".python-version"), "development file"),
    ".pluginignore": "packaging rules",
}
_SUFFIXES: Final = {
    **dict.fromkeys((".zip.sigstore.json", ".zip.provenance.sigstore.json", ".zip.sbom.sigstore.json"), "build output"),
    **dict.fromkeys(("~", ".swp", ".swo"), "left by an editor"),
}
_ANY_SUFFIX: Final = tuple(_SUFFIXES)

_PRIVATE: Final = {
    ".env": "environment file",
    **dict.fromkeys((".netrc", ".pypirc", ".npmrc"), "credentials file"),
    **dict.fromkeys(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"), "key file"),
}
_ENVIRONMENT_EXAMPLES: Final = (".example", ".sample", ".template", ".dist")
_KEY_SUFFIXES: Final = (".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx")


SCRIPT_LINKS: Final = frozenset({"plugin_manager.sh", "test_suite.sh", "system_log_collector.sh"})
"""Links of these names at the top lead to the scripts of a checkout, for who types ``./plugin_manager.sh`` there."""


def folder_reason(name: str, path: str) -> str | None:
    """Return why nothing below the folder `name` (relative POSIX path) is the plugin's, or None.

    Args:
        name: relative to the source folder.
        path: where the folder lies, to recognise virtual environments.
    """
    base = name.rpartition("/")[2]
    reason = _FOLDERS.get(base) or (_TOP_FOLDERS.get(base) if base == name else None)
    if reason is None and base.endswith(".egg-info"):
        return "build output"
    if reason is None and os.path.lexists(f"{path}/{_VIRTUAL_ENVIRONMENT_MARK}"):
        return "virtual environment"
    return reason


def file_reason(name: str, *, plugin: str) -> str | None:
    """Return why the file `name` (relative POSIX path) is not the plugin's, or None.

    Args:
        name: relative to the source folder.
        plugin: the name of the plugin, by which its earlier bundles are recognised.
    """
    base = name.rpartition("/")[2]
    if base in _FILES:
        return _FILES[base]
    if base.endswith(".zip") and (base == name or base.startswith(f"{plugin}-")):
        return "build output"
    if base.endswith(_ANY_SUFFIX):
        return next(reason for suffix, reason in _SUFFIXES.items() if base.endswith(suffix))
    return private_file(name)


def private_file(name: str) -> str | None:
    """Return what a file is that holds secrets by its name, such as ``key file``, or None.

    Args:
        name: relative POSIX path; only its last part counts.
    """
    base = name.rpartition("/")[2]
    if base in _PRIVATE:
        return _PRIVATE[base]
    if base.startswith(".env.") and not base.endswith(_ENVIRONMENT_EXAMPLES):
        return _PRIVATE[".env"]
    return "key file" if base.endswith(_KEY_SUFFIXES) else None
