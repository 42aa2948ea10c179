"""One change of a plugin's settings: made of words or of an edited text, and applied to what is stored.

A change says only what becomes different, so two people who change different settings at the same time both get what
they asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mobileops.errors import NotFoundError, PluginError, UsageError
from mobileops.manifest.settings import parse
from mobileops.runtime.settings.files import NOTHING, Stored
from mobileops.runtime.settings.judgement import UNFIT, known_to, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest


class Change(NamedTuple):
    """What becomes different.

    Attributes:
        values: settings that get another value.
        removed: settings that get their default again.
        everything: whether all other settings get their defaults again.
    """

    values: Mapping[str, Any]
    removed: frozenset[str] = frozenset()
    everything: bool = False


class Known:
    """The settings that a plugin has, with what takes words for values of them.

    Attributes:
        definitions: setting name to definition.

    Args:
        manifest: of the installed plugin.
        folder: the installed plugin's.
        stored: what is set; what only an older version knew may be removed.
        suggest: returns "did you mean …?" for a mistyped name, or None.
    """

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        stored: Stored,
        *,
        suggest: Callable[[str, Iterable[str]], str | None],
    ) -> None:
        self._plugin = manifest.name
        self.definitions = known_to(manifest, folder)
        self._stored = stored
        self._suggest = suggest

    def assignments(self, words: Iterable[str]) -> dict[str, Any]:
        """Return the values of words such as ``timeout=30``.

        Raises:
            UsageError: one is no assignment (MOP5412), or of a secret (MOP5404).
            NotFoundError: there is no such setting (MOP5402).
            PluginError: a value is of another type (MOP5403).
        """
        values = {}
        for word in words:
            name, sign, text = word.partition("=")
            if not sign:
                raise UsageError(
                    f"{word!r} is no setting and value",
                    code="MOP5412",
                    fix=f"mobileops config {self._plugin} --set {name}=VALUE",
                )
            setting = self.definition(name)
            if setting.get("secret"):
                raise UsageError(
                    f"{name!r} is a secret, and stands on the command line",
                    code="MOP5404",
                    why="every account can read a command line, and shells keep it in their history",
                    fix=f"consider it known, and give a new one: mobileops config {self._plugin} --secret {name}",
                )
            values[name] = self.value(name, text)
        return values

    def value(self, name: str, text: str) -> Any:  # noqa: ANN401  any JSON value
        """Return what a person wrote as a value of a setting.

        Raises:
            PluginError: it is of another type (MOP5403).
        """
        setting = self.definition(name)
        try:
            return parse(text, setting)
        except ValueError as error:
            raise PluginError(
                f"{name!r} cannot be {shown(text, setting)}: {error}",
                code=UNFIT,
                where=self._plugin,
                why="the manifest defines what a setting may be; nothing was changed",
                fix=f"mobileops config {self._plugin} shows what each one takes",
            ) from None

    def definition(self, name: str) -> Mapping[str, Any]:
        """Return the definition of a setting.

        Raises:
            NotFoundError: MOP5402.
        """
        known = self.definitions
        if name not in known:
            raise NotFoundError(
                f"{self._plugin!r} has no setting {name!r}",
                code="MOP5402",
                why=f"it has {', '.join(sorted(known)) or 'none'}",
                fix=self._suggest(name, known) or f"mobileops config {self._plugin} shows them",
            )
        return known[name]

    def removals(self, names: Iterable[str]) -> frozenset[str]:
        """Return settings that are to get their defaults again.

        Raises:
            NotFoundError: MOP5402.
        """
        return frozenset(name for name in names if name in self._stored.all or self.definition(name) is not None)

    def changed(self, change: Change) -> Stored:
        """Return what is stored after a change."""
        before = NOTHING if change.everything else self._stored
        after = {name: value for name, value in before.all.items() if name not in change.removed} | dict(change.values)
        secret = {name for name in after if self._is_secret(name)}
        return Stored(
            {name: value for name, value in after.items() if name not in secret},
            {name: value for name, value in after.items() if name in secret},
        )

    def _is_secret(self, name: str) -> bool:
        setting = self.definitions.get(name)
        return name in self._stored.secrets if setting is None else bool(setting.get("secret"))


def difference(before: Stored, after: Stored) -> frozenset[str]:
    """Return the names of settings that differ."""
    old, new = before.all, after.all
    return frozenset(
        name for name in old.keys() | new.keys() if name not in old or name not in new or old[name] != new[name]
    )
