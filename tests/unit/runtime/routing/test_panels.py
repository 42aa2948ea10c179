"""What plugins show, asked for through the supervisor, in real processes without the sandbox."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from mobileops.errors import ManifestError, NotFoundError, PermissionDenied, PluginError
from mobileops.runtime import audit
from tests.fakes.together import Bench

CODE = """
from mobileops.plugin import UIPlugin, plugin_method

class Shown(UIPlugin):
    @plugin_method
    def render(self, panel):
        return {"panel": panel}
"""
PLAIN = """
from mobileops.plugin import ServicePlugin, plugin_method

class Plain(ServicePlugin):
    @plugin_method
    def render(self, panel):
        raise RuntimeError("was called")
"""
UI = {
    "panels": [
        {"name": "overview", "title": "Overview", "method": "render", "refresh": 5},
        {"name": "page", "title": "Page", "kind": "html", "source": "page.html"},
    ],
    "widgets": [{"name": "small", "title": "Small", "method": "render"}],
    "themes": [{"name": "night", "title": "Night", "tokens": {"background": "#101418"}}],
}


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.launcher.close()


def show(bench, name, item, *, start=True):
    async def scenario():
        async with bench.running(*([name] if start else [])) as one:
            return await one.panels.show(name, item, deadline_s=10)

    return asyncio.run(scenario())


@pytest.fixture
def shown(bench):
    bench.install("shown", CODE, "ui.render", type="ui", ui=UI, files={"page.html": "<p>hello</p>"})
    return lambda item: show(bench, "shown", item)


@pytest.mark.parametrize(("item", "section"), [("overview", "panels"), ("small", "widgets")])
def test_the_plugins_method_fills_a_panel_and_that_is_written_down(shown, bench, item, section):
    found = shown(item)
    assert msgspec.msgpack.decode(found.pop("content")) == {"panel": item}
    assert (found["section"], found["kind"]) == (section, "declarative")
    last = list(audit.read(bench.home.audit, "shown"))[-1]
    assert (last["operation"], last["target"], last["verdict"]) == ("ui.render", item, "allowed")


def test_a_page_is_a_file_of_the_bundle(shown):
    assert shown("page")["content"] == "<p>hello</p>"


def test_a_theme_is_its_tokens(shown):
    assert shown("night")["content"] == {"background": "#101418"}


def test_what_is_not_declared_is_not_shown(shown):
    with pytest.raises(NotFoundError, match="overview, page, night, small") as caught:
        shown("other")
    assert caught.value.code == "MOP5021"


def test_without_the_permission_nothing_is_called_and_the_refusal_is_written_down(bench):
    bench.install("plain", PLAIN)
    with pytest.raises(PermissionDenied) as caught:
        show(bench, "plain", "overview")
    assert caught.value.code == "MOP4311"
    last = list(audit.read(bench.home.audit, "plain"))[-1]
    assert (last["operation"], last["target"], last["verdict"]) == ("ui.render", "overview", "denied")


def test_a_plugin_with_the_permission_and_nothing_to_show_says_so(bench):
    bench.install("plain", PLAIN, "ui.render")
    with pytest.raises(NotFoundError, match="no panel, widget or theme"):
        show(bench, "plain", "overview")


def test_what_it_shows_cannot_even_be_declared_without_the_permission(bench):
    with pytest.raises(ManifestError, match=r"ui\.render"):
        bench.install("shown", CODE, type="ui", ui=UI, files={"page.html": ""})


def test_a_plugin_that_does_not_run_shows_nothing(bench):
    bench.install("shown", CODE, "ui.render", type="ui", ui=UI, files={"page.html": ""})
    with pytest.raises(PluginError):
        show(bench, "shown", "overview", start=False)
