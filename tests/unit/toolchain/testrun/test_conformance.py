"""The generated tests: a sound plugin of each type passes, and each of them fails for a plugin that is broken so."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.toolchain.testrun import Wishes, child
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = "from mobileops.plugin import *\n"
SERVICE = HEAD + "class P(ServicePlugin):\n"
METHOD = "    @plugin_method\n    def work(self, data: dict): return data\n"
PANEL = {"ui": {"panels": [{"name": "main", "title": "Main", "method": "render"}]}, "permissions": ["ui.render"]}
SUBSCRIBES = {"events": {"subscribes": ["device.*"]}, "permissions": ["events.subscribe:device.*"]}
LEVEL = {"configuration_schema": {"level": {"type": "integer", "minimum": 0, "maximum": 9, "default": 5}}}


@dataclasses.dataclass(frozen=True)
class Case:
    """A plugin, and the tests that must fail for it."""

    code: str
    fails: set[str]
    manifest: dict[str, Any] = dataclasses.field(default_factory=dict)


SWALLOWED = """import functools
def quiet(f):
    @functools.wraps(f)
    def g(*a, **k):
        try: return f(*a, **k)
        except Exception: return None
    return g
"""
UI = HEAD + "class P(UIPlugin):\n    def render(self, panel): return "
LISTENS = SERVICE + "    def initialize(self): self.subscribe('device.*', self.heard)\n    def heard(self, event): "
CASES = {
    "service": Case(SERVICE + METHOD, set()),
    "processing": Case(
        HEAD + "class P(ProcessingPlugin):\n    def process(self, data): return data\n", set(), {"type": "processing"}
    ),
    "ui": Case(UI + "{'rows': []}\n", set(), {"type": "ui", **PANEL}),
    "integration": Case(
        HEAD + "class P(IntegrationPlugin):\n    def sync_data(self): return 1\n", set(), {"type": "integration"}
    ),
    "events": Case(LISTENS + "return event['id']\n", set(), SUBSCRIBES),
    "settings": Case(SERVICE + "    pass\n", set(), LEVEL),
    "needs arguments": Case(
        SERVICE + "    def __init__(self, x): super().__init__()\n", {"test_it_is_made_without_arguments"}
    ),
    "refuses to start": Case(
        SERVICE + "    def initialize(self): return False\n", {"test_it_initializes_with_its_defaults"}
    ),
    "unhealthy": Case(SERVICE + "    def health_check(self): return 'fine'\n", {"test_its_health_check_answers"}),
    "unreadable health": Case(
        SERVICE + "    def health_check(self): return {'x': {1}}\n", {"test_its_health_check_answers"}
    ),
    "ends once": Case(
        SERVICE + "    def initialize(self): self.x = [1]\n    def stop(self): self.x.pop()\n",
        {"test_ending_twice_is_ending_once", "test_it_ends_although_it_never_began"},
    ),
    "ends if begun": Case(
        SERVICE + "    def initialize(self): self.x = []\n    def stop(self): self.x.clear()\n",
        {"test_it_ends_although_it_never_began"},
    ),
    "undeclared": Case(
        SERVICE + "    def initialize(self):\n        try: self.publish('a.b', {})\n        except Exception: pass\n",
        {"test_it_uses_no_permission_that_it_does_not_declare"},
    ),
    "no such method": Case(SERVICE + METHOD, {"test_method_exists[missing]"}, {"methods": {"missing": {}}}),
    "not marked": Case(SERVICE + "    def work(self): pass\n", {"test_method_exists[work]"}, {"methods": {"work": {}}}),
    "swallows": Case(
        HEAD
        + SWALLOWED
        + "class P(ServicePlugin):\n    @plugin_method\n    @quiet\n    def work(self, data): return 1\n",
        {"test_method_refuses_an_argument_that_it_does_not_have[work]"},
    ),
    "does not stop": Case(
        HEAD + "import time\nclass P(ServicePlugin):\n    def start(self):\n        while True: time.sleep(0.01)\n",
        {"test_start_returns_soon_after_stop"},
        {"resources": {"stop_timeout": 0.2}},
    ),
    "start raises": Case(
        SERVICE + "    def start(self): raise OSError('no')\n", {"test_start_returns_soon_after_stop"}
    ),
    "does nothing": Case(
        HEAD + "class P(ProcessingPlugin): pass\n", {"test_process_is_implemented"}, {"type": "processing"}
    ),
    "no connection": Case(
        HEAD + "class P(IntegrationPlugin): pass\n", {"test_it_has_a_connection_to_make"}, {"type": "integration"}
    ),
    "disconnects once": Case(
        HEAD + "class P(IntegrationPlugin):\n    def sync_data(self): return 1\n    def initialize(self): self.n = 0\n"
        "    def disconnect(self):\n        assert getattr(self, 'n', 1), 'not connected'\n",
        {
            "test_disconnecting_without_a_connection_does_nothing",
            "test_ending_twice_is_ending_once",
            "test_it_initializes_with_its_defaults",
            "test_it_uses_no_permission_that_it_does_not_declare",
            "test_its_health_check_answers",
            "test_method_refuses_an_argument_that_it_does_not_have[x]",
        },
        {"type": "integration"},
    ),
    "draws nothing": Case(UI + "None\n", {"test_it_is_drawn[main]"}, {"type": "ui", **PANEL}),
    "draws no data": Case(UI + "{1}\n", {"test_it_is_drawn[main]"}, {"type": "ui", **PANEL}),
    "ends at an event": Case(
        LISTENS + "raise SystemExit\n", {"test_an_event_without_contents_does_not_end_it[device.*]"}, SUBSCRIBES
    ),
    "is ill after an event": Case(
        LISTENS + "self.ill = 1\n    def health_check(self): assert not hasattr(self, 'ill')\n",
        {"test_an_event_without_contents_does_not_end_it[device.*]"},
        SUBSCRIBES,
    ),
    "dislikes zero": Case(
        SERVICE + "    def initialize(self): self.x = 1 / self.config['level']\n",
        {"test_it_initializes_with_every_value_that_is_allowed[level]"},
        LEVEL,
    ),
    "reads nothing again": Case(
        SERVICE + "    def reload_config(self): pass\n", {"test_it_reads_its_settings_again[level]"}, LEVEL
    ),
}
ALIKE = {"disconnects once"}  # whose broken end shows in whatever ends it

FORKER = """
import importlib.util, json, os, sys
from pathlib import Path
import mobileops.plugin.fixtures, pytest
spec = importlib.util.spec_from_file_location("child", sys.argv[1])
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
for line in sys.stdin:
    app, report, options, output = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        status = 99
        try:
            status = child.main(Path(app), Path(report), [], options)
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.waitpid(pid, 0)
    print("done", flush=True)
"""


@pytest.fixture(scope="module")
def forker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """An interpreter that has imported pytest, and forks for each line that it is given."""
    command = [sys.executable, "-c", FORKER, str(child.__file__)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path_factory.mktemp("conformance"),
        env=environment,
    ) as process:
        yield process


def output_of(case: Case, forker: subprocess.Popen[str], folder: Path) -> str:
    """Run the generated tests on a plugin; return what is printed."""
    app = write_plugin(
        folder / "plugin-x", case.code, files={"tests/test_it.py": "def test_own(): pass\n"}, **case.manifest
    )
    job = (str(app), str(folder / "report"), Wishes(generated=True).options(folder), str(folder / "output"))
    assert forker.stdin is not None
    assert forker.stdout is not None
    forker.stdin.write(json.dumps(job) + "\n")
    forker.stdin.flush()
    assert forker.stdout.readline() == "done\n"
    return (folder / "output").read_text()


@pytest.mark.parametrize("name", CASES)
def test_what_is_broken_fails(forker: subprocess.Popen[str], tmp_path: Path, name: str) -> None:
    output = output_of(CASES[name], forker, tmp_path)
    lines = output.splitlines()
    bad = [line.split(" - ")[0].rsplit("::", 1)[-1] for line in lines if line.startswith(("FAILED", "ERROR "))]
    wanted = CASES[name].fails
    if wanted and name not in ALIKE:
        assert wanted <= set(bad), output
    elif wanted:
        assert set(bad) & wanted, output
    else:
        assert bad == [], output
        assert " passed" in lines[-1]
