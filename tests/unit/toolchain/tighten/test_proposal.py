"""`mobileops.toolchain.tighten`, with the real sandbox: an over-privileged plugin is narrowed to what it uses."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

import mobileops.plugin
import mobileops.runtime
from mobileops.errors import MobileOpsError
from mobileops.toolchain.diagnostics import repair
from mobileops.toolchain.tighten import propose, recording
from tests.fakes.plugin_folder import write_plugin

WIDE = """
    import os
    import subprocess
    import urllib.request

    from mobileops.plugin import ServicePlugin


    class Wide(ServicePlugin):
        def read(self):
            with open("/etc/hostname") as stream:
                return stream.read()

        def fetch(self):
            return urllib.request.urlopen("http://nowhere.invalid/x", timeout=5).read()

        def language(self):
            return os.environ.get("MOBILEOPS_LANGUAGE")

        def keep(self):
            with open("/data/kept", "w") as stream:
                stream.write("kept")

        def report(self):
            with open("/srv/wide/report", "a") as stream:
                stream.write("not run by the tests")
    """
TESTS = """
    from mobileops.plugin.testing import PluginTestCase


    class TestWide(PluginTestCase):
        def setUp(self):
            self.plugin = self.load_plugin("wide")

        def test_what_is_read(self):
            self.plugin.read()
            self.assertEqual(self.plugin.language(), "en")
            self.plugin.keep()

        def test_what_is_fetched(self):
            with self.assertRaises(OSError):
                self.plugin.fetch()

        def test_a_file_of_the_tests_own(self):
            with self.assertRaises(OSError):
                open("/srv/of-the-tests")
    """
DECLARED = [
    "network",
    "filesystem.read",
    "filesystem.write",
    "system.environment",
    "system.process",
    "events.publish:a",
]
ENVIRONMENT = {"MOBILEOPS_LANGUAGE": "en"}


@pytest.fixture
def wide(tmp_path):
    reasons = {"network": "Fetches.", "system.process": "Starts."}
    return write_plugin(
        tmp_path / "wide", WIDE, permissions=DECLARED, permission_reasons=reasons, files={"tests/test_wide.py": TESTS}
    )


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_over_privileged_plugin_is_narrowed_to_exactly_what_it_uses_and_passes_its_tests(wide):
    before = contents(wide)
    found = propose(wide, environment=ENVIRONMENT)
    assert contents(wide) == before
    assert [str(one) for one in found.permissions] == [
        "network.http:nowhere.invalid",
        "filesystem.read:/etc/hostname",
        "filesystem.write:/srv/wide",
        "system.environment:MOBILEOPS_LANGUAGE",
    ]
    reasons = {str(one.permission): (one.where, one.how) for verdict in found.verdicts for one in verdict.evidence}
    assert reasons["filesystem.read:/etc/hostname"] == ("main.py:11", "recorded")
    assert reasons["network.http:nowhere.invalid"] == ("main.py:15", "recorded")
    assert reasons["filesystem.write:/srv/wide"] == ("main.py:25", "in the code, not run by the tests")
    repair.write(wide, found.repair)
    again = propose(wide, environment=ENVIRONMENT)
    assert again.is_tight
    assert again.counts["passed"] == 3
    keys = list(json.loads((wide / "plugin.json").read_text()))
    assert keys == list(json.loads(found.repair.before))
    assert json.loads((wide / "plugin.json").read_text())["permission_reasons"] == {
        "network.http:nowhere.invalid": "Fetches."
    }


def test_tests_that_the_sandbox_stops_are_refused_and_shown(tmp_path):
    tests = TESTS.replace('open("/srv/of-the-tests")', "self.plugin.fetch()")
    code = WIDE.replace('"http://nowhere.invalid/x"', '"file:///etc/passwd"')
    folder = write_plugin(tmp_path / "wide", code, permissions=[], files={"tests/test_wide.py": tests})
    with pytest.raises(MobileOpsError) as caught:
        propose(folder, environment=ENVIRONMENT)
    assert caught.value.code == "MOP4320"
    assert "test_what_is_read" in caught.value.why


def test_what_the_declared_permissions_refuse_is_reported_and_not_added(tmp_path):
    tests = TESTS.replace('            self.assertEqual(self.plugin.language(), "en")\n', "").replace(
        "self.plugin.read()", "self.assertRaises(OSError, self.plugin.read)"
    )
    folder = write_plugin(tmp_path / "wide", WIDE, permissions=[], files={"tests/test_wide.py": tests})
    found = propose(folder, environment=ENVIRONMENT)
    assert found.is_tight
    assert "filesystem.read:/etc/hostname" in {str(one.forms[0]) for one in found.missing}


CHILD = """
    import subprocess
    import sys

    from mobileops.plugin import ServicePlugin

    PROGRAM = "import socket; socket.create_connection(('127.0.0.1', {port})).close()"


    class Wide(ServicePlugin):
        def act(self):
            return subprocess.run([sys.executable, "-I", "-S", "-c", PROGRAM]).returncode
    """
CHILD_TESTS = """
    from mobileops.plugin.testing import PluginTestCase


    class TestWide(PluginTestCase):
        def test_it(self):
            self.assertEqual(self.load_plugin("wide").act(), 0)
    """


def test_a_connection_of_a_started_program_is_known_from_the_network_broker(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        folder = write_plugin(
            tmp_path / "wide",
            CHILD.replace("{port}", str(port)),
            permissions=["system.process", "network", f"network.tcp:127.0.0.1:{port}"],
            files={"tests/test_wide.py": CHILD_TESTS},
        )
        found = propose(folder, environment={})
    assert [str(one) for one in found.permissions] == ["system.process", f"network.tcp:127.0.0.1:{port}"]
    assert found.verdicts[2].evidence[0].where == "network broker"


def test_a_plugin_without_tests_is_refused(tmp_path):
    folder = write_plugin(tmp_path / "wide", WIDE, permissions=["network"])
    with pytest.raises(MobileOpsError) as caught:
        propose(folder, environment={})
    assert caught.value.code == "MOP4321"


def test_tests_for_pytest_are_run_with_pytest(tmp_path):
    tests = "def test_it():\n    assert open('/etc/hosts').read()\n"
    folder = write_plugin(tmp_path / "wide", WIDE, permissions=["ui.render"], files={"tests/test_it.py": tests})
    found = propose(folder, environment={})
    assert found.counts["passed"] == 1
    assert found.verdicts[0].evidence[0].what == "no call shows whether it is needed"


def test_tests_that_never_end_are_stopped(tmp_path):
    tests = "import time, unittest\nclass T(unittest.TestCase):\n    def test_it(self): time.sleep(600)\n"
    folder = write_plugin(tmp_path / "wide", WIDE, permissions=["network"], files={"tests/test_it.py": tests})
    with pytest.raises(MobileOpsError, match="sandbox") as caught:
        propose(folder, environment={}, timeout_s=2.0)
    assert f"status {recording.TIMED_OUT}" in caught.value.why


def test_a_process_that_ends_itself_is_no_success(tmp_path):
    tests = "import os, unittest\nclass T(unittest.TestCase):\n    def test_it(self): os._exit(0)\n"
    folder = write_plugin(tmp_path / "wide", WIDE, permissions=["network"], files={"tests/test_it.py": tests})
    with pytest.raises(MobileOpsError) as caught:
        propose(folder, environment={})
    assert caught.value.code == "MOP4320"


def test_the_runtime_has_nothing_that_records():
    for package in (mobileops.runtime, mobileops.plugin):
        for path in Path(package.__path__[0]).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "addaudithook" not in text, path
            assert "mobileops_recorder" not in text, path
