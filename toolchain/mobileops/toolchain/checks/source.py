"""A plugin folder as the rules see it: the manifest as far as it can be read, and files on request."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from mobileops import manifest
from mobileops.errors import ManifestError
from mobileops.manifest import json_text
from mobileops.manifest.permissions import Permission
from mobileops.toolchain.checks import code, files, python_file, tree
from mobileops.toolchain.checks.distributions import Distributions
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.spot import column

if TYPE_CHECKING:
    import ast
    from pathlib import Path

    import pathspec

    from mobileops.errors import Finding
    from mobileops.toolchain.checks.code import Code
    from mobileops.toolchain.checks.python_file import Unparsable
    from mobileops.toolchain.checks.spot import Spot
    from mobileops.toolchain.checks.tree import Tree

IGNORE_FILE: Final = ".pluginignore"
JSON_NAME: Final = "plugin.json"
YAML_NAME: Final = "plugin.yaml"
YAML_SUFFIXES: Final = (".yaml", ".yml")
_Answer = TypeVar("_Answer")

MAX_NAMED: Final = 200  # permissions and hooks looked at; the schema allows fewer


class ManifestFile(NamedTuple):
    """What could be read of a manifest.

    Attributes:
        document: its value, None when it cannot be read. It is not checked: whoever takes something looks at its type.
        findings: what `mobileops.manifest` says about it.
        yaml_findings: what is wrong with its text, for plugin.yaml.
    """

    document: Any = None
    findings: tuple[Finding, ...] = ()
    yaml_findings: tuple[Finding, ...] = ()


class Source:
    """One plugin folder. The manifest and each Python file are read and parsed once, when a rule first asks.

    Attributes:
        folder: where it is.
        manifest_name: ``plugin.json``, or ``plugin.yaml`` if there is only that, or the name that was given.
        alone: whether a name was given: then the manifest is looked at by itself.
    """

    def __init__(self, folder: Path, *, manifest_name: str | None = None) -> None:
        self.folder = folder
        self.alone = manifest_name is not None
        only_yaml = files.exists(folder, YAML_NAME) and not files.exists(folder, JSON_NAME)
        self.manifest_name = manifest_name or (YAML_NAME if only_yaml else JSON_NAME)
        self._answers: dict[Callable[[Source], Any], Any] = {}
        self._parsed: dict[str, ast.Module | Unreadable | Unparsable] = {}

    @functools.cached_property
    def manifest(self) -> ManifestFile:
        """The manifest as far as it can be read."""
        content = files.read_bytes(self.folder, self.manifest_name)
        if isinstance(content, Unreadable):
            return ManifestFile()
        if self.manifest_name.endswith(YAML_SUFFIXES):
            return self._yaml(content)
        try:
            document = json_text.loads(content, where=self.manifest_name)
        except ManifestError as error:
            return ManifestFile(findings=error.findings)
        return ManifestFile(document, findings=manifest.check(document, where=self.manifest_name))

    @functools.cached_property
    def tree(self) -> Tree:
        """The files of the folder."""
        return tree.walk(self.folder)

    @functools.cached_property
    def code(self) -> Code:
        """What the plugin's own Python files import and use."""
        packed = [name for name in self.tree.files if not self.leaves_out(name)]
        return code.read(self.folder, packed, named=self.named_files, parsed=self._parsed)

    def leaves_out(self, name: str) -> bool:
        """Whether a line of ``.pluginignore`` keeps a file out of the bundle."""
        return self._ignored is not None and self._ignored.match_file(name)

    @functools.cached_property
    def _ignored(self) -> pathspec.GitIgnoreSpec | None:
        text = self.read(IGNORE_FILE)
        if isinstance(text, Unreadable):
            return None
        import pathspec  # noqa: PLC0415 - slow to import, and most plugins have no such file

        try:
            return pathspec.GitIgnoreSpec.from_lines(text.splitlines())
        except ValueError:
            return None  # packaging says what is wrong with it

    @functools.cached_property
    def distributions(self) -> Distributions:
        """What is known of the packages that the plugin depends on."""
        return Distributions(self.folder)

    @property
    def named_files(self) -> tuple[str, ...]:
        """The Python files that the manifest names: entry point and hooks."""
        named = [self.text_of("entry_point"), *itertools.islice(self.mapping_of("hooks").values(), MAX_NAMED)]
        return tuple(name for name in named if isinstance(name, str))

    @functools.cached_property
    def permissions(self) -> tuple[tuple[int, Permission], ...]:
        """The permissions of the manifest with their positions; the schema speaks about those that are none."""
        found: list[tuple[int, Permission]] = []
        for position, text in enumerate(self.list_of("permissions")[:MAX_NAMED]):
            if isinstance(text, str):
                with contextlib.suppress(ManifestError):
                    found.append((position, Permission.parse(text)))
        return tuple(found)

    def once(self, question: Callable[[Source], _Answer]) -> _Answer:
        """Return what a function says about this folder; it is called for the first of those who ask."""
        if question not in self._answers:
            self._answers[question] = question(self)
        return self._answers[question]  # type: ignore[no-any-return]  # what this function returned

    def text_of(self, key: str) -> str | None:
        """Return a string of the manifest, None when it is absent or no string."""
        value = self._value_of(key)
        return value if isinstance(value, str) else None

    def mapping_of(self, key: str) -> Mapping[str, Any]:
        """Return an object of the manifest, empty when it is absent or no object."""
        value = self._value_of(key)
        return value if isinstance(value, Mapping) else {}

    def list_of(self, key: str) -> list[Any]:
        """Return an array of the manifest, empty when it is absent or no array."""
        value = self._value_of(key)
        return value if isinstance(value, list) else []

    def read(self, name: str) -> str | Unreadable:
        """Return the text of a file of the folder."""
        return files.read_text(self.folder, name)

    def python(self, name: str) -> ast.Module | Unreadable | Unparsable:
        """Return the syntax tree of a Python file of the folder."""
        if name not in self._parsed:
            text = self.read(name)
            self._parsed[name] = text if isinstance(text, Unreadable) else python_file.parse(text)
        return self._parsed[name]

    def where(self, name: str, spot: Spot) -> str:
        """Return ``name:line:column`` of a place in a Python file."""
        text = self.read(name)
        return f"{name}:{spot.line}" if isinstance(text, Unreadable) else f"{name}:{spot.line}:{column(text, spot)}"

    def place_of(self, key: str) -> str:
        """Return ``plugin.json:LINE`` for a top-level key of the manifest, or without the line if it is not found."""
        text = self.read(self.manifest_name)
        if isinstance(text, Unreadable):
            return self.manifest_name
        line = (_line_in_yaml if self.manifest_name.endswith(YAML_SUFFIXES) else _line_in_json)(text, key)
        return f"{self.manifest_name}:{line}" if line else self.manifest_name

    def _value_of(self, key: str) -> Any:  # noqa: ANN401 - JSON
        document = self.manifest.document
        return document.get(key) if isinstance(document, Mapping) else None

    def _yaml(self, content: bytes) -> ManifestFile:
        from mobileops.toolchain import yaml_text  # noqa: PLC0415 - most plugins have no YAML

        document, findings = yaml_text.loads(content.decode("utf-8", "replace"), where=self.manifest_name)
        if findings:
            return ManifestFile(yaml_findings=findings)
        return ManifestFile(document, findings=manifest.check(document, where=self.manifest_name))


def _line_in_yaml(text: str, key: str) -> int | None:
    found = re.search(rf"""^["']?{re.escape(key)}["']?[ ]*:""", text, flags=re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _line_in_json(text: str, key: str) -> int | None:
    """Return the line of a key of the outermost object of a valid JSON text."""
    decoder = json.JSONDecoder()
    position = text.index("{") + 1
    while True:
        position = _skip(text, position, ",")
        if text[position] == "}":
            return None
        start = position
        found, position = decoder.raw_decode(text, position)
        if found == key:
            return text.count("\n", 0, start) + 1
        _, position = decoder.raw_decode(text, _skip(text, position, ":"))


def _skip(text: str, position: int, separator: str) -> int:
    while text[position] in f" \t\r\n{separator}":
        position += 1
    return position
