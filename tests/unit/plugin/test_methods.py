"""`mobileops.plugin.methods`: what others may call."""

from __future__ import annotations

import pytest

from mobileops.plugin import IntegrationPlugin, ProcessingPlugin, ServicePlugin, UIPlugin, plugin_method
from mobileops.plugin.kinds import BASE_CLASSES
from mobileops.plugin.methods import exported


class Processor(ProcessingPlugin):
    """Overrides `process` without repeating the mark."""

    def process(self, data: object) -> object:
        """Return it."""
        return data

    def private_business(self) -> None:
        """Not exported."""


def test_an_override_of_a_marked_method_is_exported() -> None:
    assert exported(Processor) == ("process",)


def test_unmarked_methods_are_not_exported() -> None:
    assert exported(ServicePlugin) == ()


def test_a_marked_method_set_to_none_is_not_exported() -> None:
    class Without(Processor):
        process = None  # type: ignore[assignment]

    assert exported(Without) == ()


def test_private_names_cannot_be_marked() -> None:
    with pytest.raises(TypeError, match="_hidden"):

        @plugin_method
        def _hidden() -> None: ...


def test_every_manifest_type_has_its_base_class() -> None:
    assert set(BASE_CLASSES.values()) == {ServicePlugin, ProcessingPlugin, IntegrationPlugin, UIPlugin}


@pytest.mark.parametrize(
    ("cls", "name", "arguments"),
    [(ProcessingPlugin, "process", (1,)), (UIPlugin, "render", ("p",))],
)
def test_what_only_the_author_can_write_says_so(cls: type, name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(NotImplementedError, match=name):
        getattr(cls, name)(object.__new__(cls), *arguments)


def test_the_kinds_map_their_own_words_to_begin_and_end() -> None:
    calls: list[str] = []

    class Link(IntegrationPlugin):
        def connect(self) -> None:
            calls.append("connect")

        def disconnect(self) -> None:
            calls.append("disconnect")

    link = object.__new__(Link)
    link.begin()
    assert link.sync_data() is None
    link.end()
    for cls in (ProcessingPlugin, UIPlugin):
        object.__new__(cls).end()
    assert calls == ["connect", "disconnect"]
