from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import HostFault, MobileOpsError, NotFoundError, PluginError
from mobileops.manifest import Version, VersionRange
from mobileops.runtime.installation.device import Device
from mobileops.runtime.installation.offers import INSTALLED
from mobileops.runtime.installation.resolver import Installed, Resolver, Wish
from mobileops.runtime.repository.document import Candidate

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = Device(Version.parse("3.11.7"), "linux_x86_64-cp311", Version.parse("1.0.0"))


def plugin(name: str, version: str, *, repository: str = "test", **values: Any) -> Candidate:
    """Return an offer; keywords with a ``-`` for ``_`` are not needed: ``needs`` maps names to ranges."""
    needs = {other: VersionRange.parse(text) for other, text in values.pop("needs", {}).items()}
    ranges = {
        key: VersionRange.parse(values.pop(key)) for key in ("python_version", "platform_version") if key in values
    }
    return Candidate(
        name=name,
        version=Version.parse(version),
        repository=repository,
        plugin_dependencies=needs,
        permissions=(),
        size_bytes=0,
        signer={},
        **{"platform": None, "python_version": None, "platform_version": None, "yanked": None, "deprecated": None}
        | ranges
        | values,
    )


class Shop:
    """Offers in memory."""

    def __init__(self, *offered: Candidate) -> None:
        self._offered = offered
        self.asked: list[str] = []

    def versions(self, name: str) -> tuple[Candidate, ...]:
        self.asked.append(name)
        found = [one for one in self._offered if one.name == name]
        return tuple(sorted(found, key=lambda one: one.version, reverse=True))

    def fetch(self, name: str, version: Version, into: Path, *, platform: str | None = None) -> Path:
        raise AssertionError((name, version, into, platform))


def resolve(shop: Shop, *wishes: Wish, installed: tuple[Candidate, ...] = (), held: tuple[str, ...] = ()) -> list[str]:
    """Return what has to be installed, as ``NAME VERSION``."""
    there = {one.name: Installed(one, one.name in held) for one in installed}
    return [f"{one.name} {one.version}" for one in Resolver(shop, there, DEVICE).resolve(wishes)]


def installed(name: str, version: str, **values: Any) -> Candidate:
    return plugin(name, version, repository=INSTALLED, **values)


def wish(name: str, versions: str | None = None, exactly: str | None = None) -> Wish:
    return Wish(name, VersionRange.parse(versions) if versions else None, Version.parse(exactly) if exactly else None)


def test_the_newest_version_that_runs_here_is_chosen() -> None:
    shop = Shop(
        plugin("app", "1.0.0"),
        plugin("app", "1.1.0"),
        plugin("app", "2.0.0", python_version=">=3.13"),
        plugin("app", "2.1.0", platform="linux_aarch64-cp311"),
        plugin("app", "2.2.0", platform_version=">=2"),
        plugin("app", "3.0.0-rc.1"),
        plugin("app", "2.3.0", yanked="it loses data"),
    )
    assert resolve(shop, wish("app")) == ["app 1.1.0"]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (wish("app", "<2"), "app 1.0.0"),
        (wish("app", exactly="2.0.0"), "app 2.0.0"),
        (wish("app", exactly="3.0.0-rc.1"), "app 3.0.0-rc.1"),
        (wish("app", ">=3.0.0-rc.1"), "app 3.0.0-rc.1"),
    ],
)
def test_what_is_asked_for_exactly_is_chosen_although_it_was_yanked_or_is_a_preview(asked: Wish, chosen: str) -> None:
    shop = Shop(plugin("app", "1.0.0"), plugin("app", "2.0.0", yanked="why not"), plugin("app", "3.0.0-rc.1"))
    assert resolve(shop, asked) == [chosen]


def test_what_is_needed_comes_first_each_after_what_it_needs_itself() -> None:
    shop = Shop(
        plugin("app", "1.0.0", needs={"core": ">=1", "view": ">=1"}),
        plugin("view", "1.0.0", needs={"core": "<2"}),
        plugin("core", "1.5.0"),
        plugin("core", "2.0.0"),
    )
    assert resolve(shop, wish("app")) == ["core 1.5.0", "view 1.0.0", "app 1.0.0"]


def test_a_need_that_the_newest_version_has_is_avoided_with_an_older_one() -> None:
    shop = Shop(
        plugin("app", "1.0.0", needs={"core": ">=1"}),
        plugin("app", "2.0.0", needs={"core": ">=2"}),
        plugin("core", "1.0.0"),
    )
    assert resolve(shop, wish("app")) == ["core 1.0.0", "app 1.0.0"]


def test_what_is_installed_and_will_do_stays_and_is_not_looked_up() -> None:
    shop = Shop(plugin("app", "1.0.0", needs={"core": ">=1"}), plugin("core", "9.0.0"))
    assert resolve(shop, wish("app"), installed=(installed("core", "1.0.0"),)) == ["app 1.0.0"]
    assert "core" not in shop.asked


def test_what_is_installed_and_will_not_do_is_upgraded() -> None:
    shop = Shop(plugin("app", "1.0.0", needs={"core": ">=2"}), plugin("core", "2.0.0"))
    assert resolve(shop, wish("app"), installed=(installed("core", "1.0.0"),)) == ["core 2.0.0", "app 1.0.0"]


def test_an_upgrade_keeps_what_other_installed_plugins_need() -> None:
    shop = Shop(plugin("core", "1.5.0"), plugin("core", "2.0.0"))
    there = (installed("core", "1.0.0"), installed("old", "1.0.0", needs={"core": "<2"}))
    assert resolve(shop, wish("core"), installed=there) == ["core 1.5.0"]


def test_a_plugin_that_lacks_something_already_does_not_stop_others() -> None:
    shop = Shop(plugin("app", "1.0.0"))
    assert resolve(shop, wish("app"), installed=(installed("broken", "1.0.0", needs={"gone": ">=1"}),)) == ["app 1.0.0"]


def test_nothing_newer_is_nothing_to_install() -> None:
    shop = Shop(plugin("app", "1.0.0"), plugin("app", "0.9.0"))
    assert resolve(shop, wish("app"), installed=(installed("app", "1.0.0"),)) == []


def test_a_lower_version_is_installed_only_if_exactly_that_is_asked_for() -> None:
    shop = Shop(plugin("app", "1.0.0"))
    there = (installed("app", "2.0.0"),)
    assert resolve(shop, wish("app"), installed=there) == []
    assert resolve(shop, wish("app", exactly="1.0.0"), installed=there) == ["app 1.0.0"]
    with pytest.raises(NotFoundError):
        resolve(shop, wish("app", "<2"), installed=there)


def test_a_pinned_plugin_is_in_the_way_and_named() -> None:
    shop = Shop(plugin("app", "1.0.0", needs={"core": ">=2"}), plugin("core", "2.0.0"))
    with pytest.raises(PluginError) as caught:
        resolve(shop, wish("app"), installed=(installed("core", "1.0.0"),), held=("core",))
    assert "core is held at 1.0.0 (mobileops unpin core)" in (caught.value.why or "")


def test_a_conflict_is_a_short_chain() -> None:
    shop = Shop(
        plugin("app", "1.0.0", needs={"core": ">=2"}),
        plugin("core", "1.5.0"),
        plugin("core", "2.0.0"),
        *(plugin("core", f"1.0.{patch}") for patch in range(40)),
    )
    there = (installed("core", "1.0.0"), installed("old", "1.0.0", needs={"core": "<2"}))
    with pytest.raises(PluginError) as caught:
        resolve(shop, wish("app"), installed=there)
    why = caught.value.why or ""
    assert caught.value.code == "MOP6041"
    assert "app 1.0.0 needs core >=2.0.0; " in why
    assert "old 1.0.0 (installed) needs core <2.0.0; " in why
    assert "core: 2.0.0, 1.5.0, 1.0.39, 1.0.38, 1.0.37, and 37 more" in why
    assert len(why) < 300


@pytest.mark.parametrize(
    ("shop", "asked", "says"),
    [
        (Shop(), wish("app"), ("there is no plugin 'app'", "app: none")),
        (Shop(plugin("app", "1.0.0")), wish("app", ">=2"), ("no version of 'app' will do", "app: 1.0.0")),
        (
            Shop(plugin("app", "1.0.0", yanked="it loses data"), plugin("app", "0.9.0", python_version="<3")),
            wish("app"),
            ("was yanked: it loses data", "app 0.9.0 needs Python <3.0.0, here is 3.11.7"),
        ),
        (
            Shop(plugin("app", "1.0.0", needs={"core": ">=1"})),
            wish("app"),
            ("there is no plugin 'core'", "app 1.0.0 needs"),
        ),
    ],
)
def test_what_is_not_there_is_said_with_the_reason(shop: Shop, asked: Wish, says: tuple[str, ...]) -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve(shop, asked)
    assert caught.value.code == "MOP6040"
    assert all(text in str(caught.value) for text in says), str(caught.value)


def test_a_file_that_was_named_is_taken_as_it_is() -> None:
    given = plugin("app", "1.0.0", repository="file", needs={"core": ">=1"})
    shop = Shop(plugin("app", "2.0.0"), plugin("core", "1.0.0"))
    assert resolve(shop, Wish("app", given=given), installed=(installed("app", "3.0.0"),)) == [
        "core 1.0.0",
        "app 1.0.0",
    ]


def test_plugins_that_need_each_other_are_installed_in_some_order() -> None:
    shop = Shop(plugin("a", "1.0.0", needs={"b": ">=1"}), plugin("b", "1.0.0", needs={"a": ">=1"}))
    assert resolve(shop, wish("a")) == ["a 1.0.0", "b 1.0.0"]


def test_without_resolvelib_what_needs_nothing_more_is_installed_and_the_rest_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "resolvelib":
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    shop = Shop(plugin("app", "1.0.0", needs={"core": ">=1"}), plugin("core", "1.0.0"))
    assert resolve(shop, wish("app"), installed=(installed("core", "1.0.0"),)) == ["app 1.0.0"]
    with pytest.raises(HostFault) as caught:
        resolve(shop, wish("app"))
    assert caught.value.code == "MOP6042"


def test_this_device_is_the_python_that_runs_plugins() -> None:
    here = Device.here()
    here.refuse_unfit(
        plugin("app", "1.0.0", python_version=">=3.8", platform_version=">=1.0.0", platform=here.platform)
    )
    with pytest.raises(MobileOpsError) as caught:
        here.refuse_unfit(plugin("app", "1.0.0", python_version=">=4"))
    assert caught.value.code == "MOP6043"
