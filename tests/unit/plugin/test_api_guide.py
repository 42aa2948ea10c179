"""docs/guides/plugin-api.md says of every class and method of the SDK what the code says: no more, no less."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

import mobileops.plugin
from mobileops.plugin import base, fakes, host, kinds, messages, methods, platform, testing

GUIDE: Final = Path(__file__).parents[3] / "docs" / "guides" / "plugin-api.md"
CLASSES: Final[tuple[type, ...]] = (
    base.Plugin,
    kinds.ServicePlugin,
    kinds.ProcessingPlugin,
    kinds.IntegrationPlugin,
    kinds.UIPlugin,
    host.Request,
    messages.Sender,
    messages.Reply,
    platform.PlatformApi,
    platform.Assets,
    platform.Asset,
    platform.Ai,
    platform.Model,
    platform.Prediction,
    platform.Tensor,
    platform.Network,
    platform.NetworkStatus,
    platform.Interface,
    platform.Devices,
    platform.Device,
    testing.PluginTestCase,
    testing.LocalHost,
    fakes.FakePlatform,
)
_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)


def attributes(cls: type) -> dict[str, str]:
    """Return what the class's docstring says of its attributes."""
    _text, _heading, section = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")
    return {f"`{name}`": " ".join(text.split()) for name, text in _ATTRIBUTE.findall(section)}


def signature(name: str, value: object) -> str:
    """Return a method as one calls it, without annotations."""
    if isinstance(value, property):
        return f"`{name}`"
    words, keyword_only = [], False
    for parameter in list(inspect.signature(value).parameters.values())[1:]:  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            words.append("*")
            keyword_only = True
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        words.append(f"{stars}{parameter.name}{default}")
    return f"`{name}({', '.join(words)})`"


def rows(cls: type) -> dict[str, str]:
    """Return what the guide has to say of a class: attributes, then its own public methods."""
    found = attributes(cls)
    for name, value in vars(cls).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            text = inspect.getdoc(value) or ""
            found[signature(name, value)] = " ".join(text.partition("\n\n")[0].split())
    return found


def section(cls: type) -> str:
    """Return the guide's table of a class, as it must be."""
    lines = [f"| {name} | {text.replace('|', chr(92) + '|').replace('``', '`')} |" for name, text in rows(cls).items()]
    return "\n".join(["| | |", "|---|---|", *lines]) + "\n"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_guide_says_of_each_class_what_the_code_says(cls: type) -> None:
    _before, heading, rest = GUIDE.read_text(encoding="utf-8").partition(f"\n### {cls.__name__}\n")
    assert heading, f"{cls.__name__} is not in {GUIDE.name}; its table:\n{section(cls)}"
    blocks = [block.strip() for block in re.split(r"\n#{2,3} ", rest)[0].split("\n\n")]
    tables = [block for block in blocks if block.startswith("| |")]
    wanted = section(cls) if rows(cls) else None
    assert tables[:1] == ([wanted.strip()] if wanted else []), f"the table of {cls.__name__} must be:\n{wanted}"


def test_no_public_name_is_left_out() -> None:
    documented = {cls.__name__ for cls in CLASSES}
    assert set(mobileops.plugin.__all__) - documented == {"Host", "plugin_method"}
    assert methods.plugin_method.__doc__
    text = GUIDE.read_text(encoding="utf-8")
    assert "@plugin_method" in text
    assert "`Host`" in text


def test_the_guide_knows_no_class_that_is_none() -> None:
    headings = re.findall(r"^### (\w+)$", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings == [cls.__name__ for cls in CLASSES]
