"""Finding plugin classes in a syntax tree."""

from __future__ import annotations

import pytest

from mobileops.toolchain.checks import python_file


def found(text: str) -> list[tuple[str, str]]:
    tree = python_file.parse(text)
    return [(cls.name, cls.base) for cls in python_file.plugin_classes(tree)]


@pytest.mark.parametrize(
    "text",
    [
        "from mobileops.plugin import ServicePlugin\nclass A(ServicePlugin): pass",
        "from mobileops.plugin import ServicePlugin as Base\nclass A(Base): pass",
        "from mobileops.plugin import *\nclass A(ServicePlugin): pass",
        "import mobileops.plugin\nclass A(mobileops.plugin.ServicePlugin): pass",
        "import mobileops.plugin as sdk\nclass A(sdk.ServicePlugin): pass",
        "from mobileops import plugin\nclass A(plugin.ServicePlugin): pass",
        "from mobileops import plugin\nclass A(plugin.ServicePlugin[int]): pass",
        "from mobileops import plugin as p\nclass A(object, p.ServicePlugin): pass",
        "try:\n    from mobileops.plugin import ServicePlugin\nexcept OSError: raise\nclass A(ServicePlugin): pass",
        "from mobileops.plugin import ServicePlugin\nif True:\n    class A(ServicePlugin): pass",
    ],
)
def test_a_base_is_known_under_every_way_to_import_it(text: str) -> None:
    assert found(text) == [("A", "ServicePlugin")]


def test_a_class_of_a_class_of_the_same_file_counts_too() -> None:
    text = "from mobileops.plugin import UIPlugin\nclass A(UIPlugin): pass\nclass B(A): pass"
    assert found(text) == [("A", "UIPlugin"), ("B", "UIPlugin")]


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import ServicePlugin\nclass A(ServicePlugin): pass",
        "from .mobileops.plugin import ServicePlugin\nclass A(ServicePlugin): pass",
        "from mobileops.plugin import plugin_method\nclass A: pass",
        "from mobileops.plugin import ServicePlugin\ndef f():\n    class A(ServicePlugin): pass",
        "from mobileops.plugin import ServicePlugin\nclass A(make(ServicePlugin)): pass",
    ],
)
def test_other_classes_do_not_count(text: str) -> None:
    assert found(text) == []


def test_a_base_from_elsewhere_is_noticed() -> None:
    foreign = python_file.parse("from base import Common\nclass A(Common): pass")
    own = python_file.parse("from base import Common\nclass A: pass")
    assert python_file.has_foreign_bases(foreign)
    assert not python_file.has_foreign_bases(own)


def test_a_syntax_error_has_its_line() -> None:
    assert python_file.parse("a = 1\nb = = 2\n") == python_file.Unparsable("invalid syntax", line=2, column=5)


def test_a_doubtful_escape_is_no_warning_of_ours() -> None:
    assert python_file.parse('pattern = "\\d"\n')  # warnings are errors in these tests
