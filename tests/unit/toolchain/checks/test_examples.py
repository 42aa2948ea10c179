"""The plugins that people start from: the mission's two, and the example with real data."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

from mobileops.toolchain.checks import check_source
from tests.fakes.mission import block
from tests.integration.test_mission_text import MANIFEST, SERVICE_EXAMPLE

ROOT = Path(__file__).resolve().parents[4]
HOOKS = ("pre_start", "post_start", "pre_stop")


def test_the_missions_service_plugin_has_no_error_and_three_permissions_it_does_not_use(folder: Any) -> None:
    folder.write("plugin.json", MANIFEST)
    folder.write("main.py", textwrap.dedent(SERVICE_EXAMPLE).lstrip())
    for hook in HOOKS:
        folder.write(f"hooks/{hook}.py", "")
    findings = check_source(folder.path)
    assert {finding.severity for finding in findings} == {"warning"}
    unused = [finding.where for finding in findings if finding.code == "MOP1334"]
    assert unused == [f"plugin.json#/permissions/{position}" for position in range(3)]
    assert {finding.code for finding in findings} == {"MOP1210", "MOP1325", "MOP1334"}


def test_the_missions_processing_plugin_has_no_finding(folder: Any) -> None:
    changes = {
        "name": "data-processor",
        "type": "processing",
        "dependencies": ["numpy"],
        "permissions": [],
        "hooks": {},
    }
    folder.write("plugin.json", json.dumps(json.loads(MANIFEST) | changes))
    folder.write("main.py", block("class DataProcessorPlugin("))
    folder.write("requirements.txt", "numpy==2.1.0\n")
    assert check_source(folder.path) == ()


def test_the_example_with_real_data_has_no_finding(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("dist", "__pycache__")
    source = shutil.copytree(ROOT / "examples" / "data-processor", tmp_path / "data-processor", ignore=ignored)
    assert check_source(source) == ()
