"""The rules that set the code against the manifest: imports, permissions, secrets, licence, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.launching.zygote import ENVIRONMENT
from mobileops.toolchain.checks import calls, check_source, python_file
from mobileops.toolchain.pack.plan import plan

if TYPE_CHECKING:
    from mobileops.errors import Finding

MAIN = "from mobileops.plugin import ServicePlugin\n{imports}\n\nclass Good(ServicePlugin):\n    def start(self):\n"
LINE = 6  # of the body of start(), when there is one import


def write(folder: Any, body: str = "pass", imports: str = "") -> None:
    folder.write("main.py", f"{MAIN.format(imports=imports)}        {body}\n")


def of(folder: Any, code: str) -> list[Finding]:
    return [finding for finding in check_source(folder.path) if finding.code == code]


def one(folder: Any, code: str) -> Finding:
    found = of(folder, code)
    assert len(found) == 1, found
    return found[0]


# ------------------------------------------------------------------------------------------ about imports


def test_an_import_that_nothing_brings_is_an_error_at_its_line(folder: Any) -> None:
    write(folder, imports="import numpy as np")
    found = one(folder, "MOP1331")
    assert (found.where, found.severity) == ("main.py:2:8", "error")
    assert "'numpy'" in found.what


@pytest.mark.parametrize(
    "imports",
    [
        "import json, os.path",
        "from mobileops.plugin.testing import PluginHarness",
        "from lib.records import tidy",
        "import records",
        "import helper",
        "from . import helper",
        "import yaml",
        "import google.cloud.storage",
        "from google.cloud import storage",
        "import serial",
    ],
)
def test_what_has_an_origin_may_be_imported(folder: Any, imports: str) -> None:
    folder.manifest(dependencies=["PyYAML>=6", "google_cloud.storage", "pyserial"])
    folder.write("lib/records.py", "tidy = 1\n")
    folder.write("helper.py", "")
    write(folder, imports=imports)
    assert of(folder, "MOP1331") == []


@pytest.mark.parametrize(
    "imports",
    [
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "try:\n    import tomllib\nexcept ModuleNotFoundError:\n    import tomli as tomllib",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "import sys\nif sys.platform == 'win32':\n    import winreg_more",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import numpy",
        "import importlib\nnumpy = importlib.import_module('numpy')",
    ],
    ids=["try", "fallback", "type-checking", "condition", "suppress", "by-call"],
)
def test_an_import_that_may_fail_or_not_run_is_let_pass(folder: Any, imports: str) -> None:
    write(folder, imports=imports)
    assert of(folder, "MOP1331") == []


def test_a_try_that_does_not_handle_the_failure_excuses_nothing(folder: Any) -> None:
    write(folder, imports="try:\n    import numpy\nexcept ValueError:\n    pass")
    assert one(folder, "MOP1331").where == "main.py:3:12"


def test_an_import_inside_a_function_is_a_warning(folder: Any) -> None:
    write(folder, "import numpy")
    assert (one(folder, "MOP1331").where, one(folder, "MOP1331").severity) == ("main.py:6:16", "warning")


@pytest.mark.parametrize(("imports", "severity"), [("from lib import deep", "error"), ("", "warning")])
def test_an_import_is_an_error_only_in_files_that_the_start_reaches(folder: Any, imports: str, severity: str) -> None:
    folder.write("lib/__init__.py", "")
    folder.write("lib/deep.py", "from .deeper import x\n")
    folder.write("lib/deeper.py", "import numpy\nx = 1\n")
    write(folder, imports=imports)
    assert (one(folder, "MOP1331").where, one(folder, "MOP1331").severity) == ("lib/deeper.py:1:8", severity)


def test_many_imports_of_one_module_are_one_finding(folder: Any) -> None:
    folder.write("lib/a.py", "import numpy\nimport numpy.linalg\n")
    write(folder, imports="import numpy")
    assert "(and in 2 more places)" in one(folder, "MOP1331").what


def test_tests_may_import_test_tools(folder: Any) -> None:
    folder.write("tests/test_plugin.py", "import pytest\n")
    folder.write("conftest.py", "import hypothesis\n")
    assert check_source(folder.path) == ()


def test_a_module_that_only_the_lock_brings_is_a_warning_that_names_its_package(folder: Any) -> None:
    folder.manifest(dependencies=["requests"])
    folder.write("requirements.txt", "requests==2.32.3\nurllib3==2.2.3 \\\n    --hash=sha256:00\n")
    write(folder, imports="import requests, urllib3")
    assert one(folder, "MOP1331").severity == "warning"
    assert "add 'urllib3'" in (one(folder, "MOP1331").fix or "")


def test_where_a_dependency_is_not_known_an_import_is_a_warning_that_names_it(folder: Any) -> None:
    folder.manifest(dependencies=["some-vendor-sdk"])
    write(folder, imports="import vendorlib")
    found = one(folder, "MOP1331")
    assert (found.severity, "'some-vendor-sdk'" in (found.why or "")) == ("warning", True)
    assert of(folder, "MOP1332") == []


@pytest.mark.parametrize(
    "place",
    ["vendor/some_vendor_sdk-1.0.dist-info", ".venv/lib/python3.11/site-packages/some_vendor_sdk-1.0.dist-info"],
)
@pytest.mark.parametrize(
    ("name", "content"), [("top_level.txt", "vendorlib\n"), ("RECORD", "vendorlib/__init__.py,sha256=x,1\n")]
)
def test_installed_metadata_says_which_modules_a_dependency_brings(
    folder: Any, place: str, name: str, content: str
) -> None:
    folder.manifest(dependencies=["Some.Vendor_SDK"])
    folder.write(f"{place}/{name}", content)
    write(folder, imports="import vendorlib")
    assert of(folder, "MOP1331") == of(folder, "MOP1332") == []
    write(folder, imports="import some_vendor_sdk")
    assert one(folder, "MOP1331").severity == "error"
    assert one(folder, "MOP1332").where == "plugin.json#/dependencies/0"


def test_a_plugin_that_changes_its_path_may_import_from_any_of_its_folders(folder: Any) -> None:
    folder.write("deep/inside/tool.py", "")
    write(folder, imports="import tool")
    assert len(of(folder, "MOP1331")) == 1
    write(folder, imports="import sys\nsys.path.append('deep/inside')\nimport tool")
    assert of(folder, "MOP1331") == []


def test_a_dependency_that_nothing_imports_is_a_warning(folder: Any) -> None:
    folder.manifest(dependencies=["numpy", "requests"])
    folder.write("tests/test_plugin.py", "import requests\n")
    write(folder, imports="import numpy")
    found = one(folder, "MOP1332")
    assert (found.where, found.severity) == ("plugin.json#/dependencies/1", "warning")


@pytest.mark.parametrize("imports", ["try:\n    import numpy\nexcept ImportError:\n    pass", "__import__('numpy')"])
def test_a_dependency_that_is_imported_in_any_way_is_used(folder: Any, imports: str) -> None:
    folder.manifest(dependencies=["numpy"])
    write(folder, imports=imports)
    assert of(folder, "MOP1332") == []


def test_of_code_that_does_not_parse_nothing_is_called_unused(folder: Any) -> None:
    folder.manifest(dependencies=["numpy"], permissions=["system.process"])
    folder.write("main.py", "def broken(:")
    assert of(folder, "MOP1332") == of(folder, "MOP1334") == []


# ------------------------------------------------------------------------------------------ about permissions

NEEDS = [
    ("import requests", "requests.get('https://api.example.com/v1')", "network.http:api.example.com"),
    ("import requests as r", "r.post(url)", "network.http"),
    ("from httpx import get", "get('http://API.example.com')", "network.http:api.example.com"),
    ("import httpx", "httpx.request('GET', 'https://h.example:8443/')", "network.tcp:h.example:8443"),
    ("import aiohttp", "aiohttp.ClientSession()", "network.http"),
    ("import urllib3", "urllib3.PoolManager()", "network.http"),
    ("import urllib.request", "urllib.request.urlopen(f'https://a.example/{x}')", "network.http:a.example"),
    ("from urllib import request", "request.urlopen('https://' + host)", "network.http"),
    ("import http.client", "http.client.HTTPSConnection('a.example')", "network.http:a.example"),
    ("import http.client", "http.client.HTTPConnection('a.example', 8080)", "network.tcp:a.example:8080"),
    ("import socket", "socket.create_connection(('10.0.0.5', 502))", "network.tcp:10.0.0.5:502"),
    ("import socket as s", "s.socket()", "network"),
    ("import socket", "socket.create_connection(address)", "network"),
    ("import smtplib", "smtplib.SMTP(host)", "network"),
    ("from socket import create_server", "create_server(('', 8080))", "network.listen:8080"),
    ("import requests\nURL = 'https://a.example'", "requests.get(URL)", "network.http:a.example"),
    ("", "open('/etc/hosts')", "filesystem.read:/etc/hosts"),
    ("", "open('/srv/x', 'a')", "filesystem.write:/srv/x"),
    ("from pathlib import Path", "Path('/etc/hosts').read_text()", "filesystem.read:/etc/hosts"),
    ("import pathlib", "pathlib.Path('/srv/x').open(mode='wb')", "filesystem.write:/srv/x"),
    ("import os", "os.environ['TOKEN']", "system.environment:TOKEN"),
    ("from os import environ as e", "e.get('TOKEN', '')", "system.environment:TOKEN"),
    ("from os import getenv", "getenv(name)", "system.environment"),
    ("import os", "dict(os.environ)", "system.environment"),
    ("import subprocess", "subprocess.run(['true'])", "system.process"),
    ("import os", "os.system('true')", "system.process"),
    ("import os", "os.execv('/bin/true', [])", "system.process"),
    ("", "self.get_platform_api().ai.inference()", "api.platform.ai"),
    ("", "self.send_message('other', {})", "plugin.communicate:other"),
    ("", "self.send_message(name, {})", "plugin.communicate"),
    ("", "self.subscribe('device.connected', print)", "events.subscribe:device.connected"),
    ("", "self.publish('sensor.reading', {})", "events.publish:sensor.reading"),
]


@pytest.mark.parametrize(("imports", "body", "needed"), NEEDS, ids=range(len(NEEDS)))
def test_a_need_is_found_with_its_line_and_met_by_the_permission_advised(
    folder: Any, imports: str, body: str, needed: str
) -> None:
    write(folder, body, imports=imports)
    found = one(folder, "MOP1333")
    assert found.where.startswith(f"main.py:{LINE + imports.count(chr(10))}:")
    assert found.severity == "warning"
    assert f"add {needed!r} " in (found.fix or "")
    folder.manifest(permissions=[needed])
    assert of(folder, "MOP1333") == of(folder, "MOP1334") == []


@pytest.mark.parametrize(
    ("body", "granted"),
    [
        ("requests.get('https://a.example/')", "network"),
        ("requests.get('https://a.example.com/')", "network.http:*.example.com"),
        ("requests.get('https://a.example/')", "network.tcp:443"),
        ("requests.get(url)", "network.tcp:h.example:8443"),
        ("open('/srv/data/x.csv')", "filesystem.read:/srv/data"),
        ("self.get_platform_api().ai.inference()", "api.platform"),
        ("self.subscribe('device.connected', print)", "events.subscribe:device.*"),
    ],
)
def test_a_broader_permission_counts(folder: Any, body: str, granted: str) -> None:
    folder.manifest(permissions=[granted])
    write(folder, body, imports="import requests")
    assert of(folder, "MOP1333") == of(folder, "MOP1334") == []


@pytest.mark.parametrize(
    "body",
    [
        "open('data.csv')",
        "open(self.config['path'])",
        "open('/data/x', 'w')",
        "open('/tmp/x', 'w')",
        "open('/app/model.bin', 'rb')",
        "os.environ['HOME']",
        "os.environ['TOKEN'] = 'x'",
        "os.path.join('/etc', 'hosts')",
        "socket.socket(socket.AF_UNIX)",
        "mailer.send_message(message)",
        "broker.publish('sensor.reading')",
        "self.open('/etc/hosts')",
        "print('requests.get(url)')",
    ],
)
def test_what_needs_no_permission_or_may_need_none_is_let_pass(folder: Any, body: str) -> None:
    write(folder, body, imports="import os, socket")
    assert of(folder, "MOP1333") == []


def test_one_missing_permission_is_one_finding(folder: Any) -> None:
    write(folder, "return open('/etc/x'), open('/etc/x'), open('/etc/x')")
    assert "(and 2 more)" in one(folder, "MOP1333").what


def test_the_platform_api_is_followed_through_a_variable(folder: Any) -> None:
    folder.manifest(permissions=["api.platform.ai", "api.platform.assets"])
    write(folder, "api = self.get_platform_api()\n        return api.ai.run(), api.network.get_status()")
    assert "'api.platform.network'" in (one(folder, "MOP1333").fix or "")
    assert "'api.platform.assets'" in one(folder, "MOP1334").what


@pytest.mark.parametrize("permission", ["api.platform.ai", "api.platform"])
def test_a_model_that_is_loaded_may_be_what_a_permission_is_for(folder: Any, permission: str) -> None:
    folder.manifest(permissions=[permission])
    write(folder, "self.load_model('sentiment')")
    assert of(folder, "MOP1334") == []
    write(folder, "other.load_model('sentiment')")
    one(folder, "MOP1334")


def test_a_model_that_is_loaded_may_be_one_of_the_plugins_own_loader(folder: Any) -> None:
    write(folder, "self.load_model('sentiment')")
    assert of(folder, "MOP1333") == []


def test_what_pluginignore_leaves_out_is_not_the_plugins_code(folder: Any) -> None:
    folder.write("train.py", "import numpy\nimport subprocess\nsubprocess.run(['true'])\n")
    assert {finding.code for finding in check_source(folder.path)} == {"MOP1331", "MOP1333"}
    folder.write(".pluginignore", "train.py\n")
    assert check_source(folder.path) == ()


@pytest.mark.parametrize(
    "permission", ["network", "filesystem.read", "api.platform", "system.process", "plugin.communicate:other"]
)
def test_a_permission_that_nothing_needs_is_a_warning_at_its_place(folder: Any, permission: str) -> None:
    folder.manifest(permissions=["events.publish:a", permission], events={"publishes": ["a"]})
    found = one(folder, "MOP1334")
    assert (found.where, found.severity) == ("plugin.json#/permissions/1", "warning")


@pytest.mark.parametrize(
    ("imports", "body"),
    [("import subprocess", "subprocess.run(['curl'])"), ("import boto3", "boto3.client('s3')")],
    ids=["a program", "a library"],
)
def test_what_others_may_need_unseen_is_not_called_unused(folder: Any, imports: str, body: str) -> None:
    folder.manifest(permissions=["network.http", "events.publish:a", "system.process"])
    write(folder, body, imports=imports)
    assert "'events.publish:a'" in one(folder, "MOP1334").what


def test_tests_need_no_permissions(folder: Any) -> None:
    folder.write("tests/test_plugin.py", "import subprocess\nsubprocess.run(['true'])\n")
    assert check_source(folder.path) == ()


def test_the_variables_that_are_always_set_are_those_of_the_sandbox() -> None:
    assert set(ENVIRONMENT) == calls.ALWAYS_SET


# ------------------------------------------------------------------------------------------ about secrets

TOKEN = "ghp_" + "a" * 36


def test_a_secret_is_an_error_at_its_line(folder: Any) -> None:
    folder.write("config/settings.txt", f"\ntoken = {TOKEN}\n")
    found = one(folder, "MOP1335")
    assert (found.where, found.severity) == ("config/settings.txt:2:9", "error")
    assert TOKEN not in str(found)


@pytest.mark.parametrize(
    "name",
    [
        *(".config/token", ".github/workflows/test.yml", "lib/.hidden/a.txt", ".env.example", "tests/test_a.py"),
        *(".gitignore", "notes.txt~", "dist/a.txt", ".vscode/settings.json", ".git/config", "good-1.0.0.zip"),
    ],
)
def test_a_secret_is_found_in_exactly_those_files_that_would_be_packed(folder: Any, name: str) -> None:
    folder.write(name, TOKEN)
    packed = name in {planned.name for planned in plan(folder.path).files}
    assert packed == any(found.code == "MOP1335" for found in check_source(folder.path))


def test_a_secret_in_a_file_that_stays_out_of_the_bundle_is_let_pass(folder: Any) -> None:
    folder.write("notes.txt", TOKEN)
    folder.write(".pluginignore", "*.txt\n")
    assert check_source(folder.path) == ()


@pytest.mark.parametrize("name", [".env", "config/.env.production", "id_ed25519", "signing.key", ".pypirc"])
def test_a_file_that_is_for_secrets_is_one_warning(folder: Any, name: str) -> None:
    folder.write(name, TOKEN)
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1336", name, "warning")


def test_an_example_of_an_environment_file_is_let_pass(folder: Any) -> None:
    folder.write(".env.example", "TOKEN=\n")
    assert check_source(folder.path) == ()


# ------------------------------------------------------------------------------------------ about licence, names


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("GPL3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GNU LGPL v2.1 or later", "LGPL-2.1-or-later"),
        ("Apache 2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("BSD", "BSD-3-Clause"),
        ("Proprietary", "LicenseRef-Proprietary"),
        ("Apche-2.0", "Apache-2.0"),
    ],
)
def test_a_licence_that_is_no_expression_is_found_with_the_one_meant(folder: Any, text: str, meant: str) -> None:
    folder.manifest(license=text)
    assert one(folder, "MOP1337").fix == f"did you mean {meant!r}?"


@pytest.mark.parametrize(
    "text", ["All rights reserved, ask me", "(" * 200, "MIT AND", "MIT" + " OR MIT" * 40 + " OR x"]
)
def test_a_licence_that_resembles_nothing_is_found(folder: Any, text: str) -> None:
    folder.manifest(license=text)
    assert one(folder, "MOP1337").where == "plugin.json#/license"


@pytest.mark.parametrize(
    "text", ["MIT", "mit", "Apache-2.0 OR MIT", "LicenseRef-Ours", "GPL-3.0-or-later WITH GCC-exception-3.1"]
)
def test_an_expression_passes(folder: Any, text: str) -> None:
    folder.manifest(license=text)
    assert check_source(folder.path) == ()


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("my-plugin", "MyServicePlugin"),
        ("my-plugin", "MyPlugin"),
        ("data-processor", "DataProcessorPlugin"),
        ("mysql-sync", "MySQLSync"),
        ("openai-bridge", "OpenAIPlugin"),
        ("greeter", "Main"),
        ("greeter", "ServicePluginMain"),
        ("http2", "HTTP2Plugin"),
    ],
)
def test_a_class_that_shares_a_word_with_the_name_passes(folder: Any, name: str, class_name: str) -> None:
    folder.manifest(name=name)
    folder.write("main.py", f"from mobileops.plugin import ServicePlugin\nclass {class_name}(ServicePlugin): pass\n")
    assert check_source(folder.path) == ()


def test_a_class_of_another_name_is_a_warning_with_the_names_expected(folder: Any) -> None:
    folder.manifest(name="my-plugin")
    folder.write("main.py", "from mobileops.plugin import ServicePlugin\nclass FooBar(ServicePlugin): pass\n")
    found = one(folder, "MOP1338")
    assert (found.where, found.severity, found.fix) == ("main.py:2:1", "warning", "call it MyPlugin")


# ------------------------------------------------------------------------------------------ about files


def test_a_python_file_that_does_not_parse_is_a_warning_at_its_line(folder: Any) -> None:
    folder.write("lib/old.py", "\nprint 'hello'\n")
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1330", "lib/old.py:2:1", "warning")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (2 << 20), b"x = 1\0"], ids=["bytes", "huge", "nul"])
def test_a_python_file_that_cannot_be_read_is_a_warning(folder: Any, content: bytes) -> None:
    folder.write("lib/odd.py", content)
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1330", "lib/odd.py", "warning")


def test_a_vendored_module_has_an_origin(folder: Any) -> None:
    write(folder, imports="import numpy")
    folder.write("vendor/numpy/__init__.py", "")
    assert of(folder, "MOP1331") == []


def test_a_secret_is_found_whatever_a_broken_list_of_exclusions_says(folder: Any) -> None:
    folder.write("notes.txt", TOKEN)
    folder.write(".pluginignore", "\\\n!\n[\n")
    assert one(folder, "MOP1335").where == "notes.txt:1:1"


def test_a_path_that_no_permission_can_name_needs_the_broad_one(folder: Any) -> None:
    write(folder, "open('/srv/../etc/x')")
    assert "'filesystem.read'" in (one(folder, "MOP1333").fix or "")


def test_a_web_address_that_is_none_needs_the_usual_permission(folder: Any) -> None:
    write(folder, "requests.get('https://[::1')", imports="import requests")
    assert "'network.http'" in (one(folder, "MOP1333").fix or "")


def test_each_python_file_is_parsed_once(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    real = python_file.parse
    monkeypatch.setattr(python_file, "parse", lambda text: parsed.append(text) or real(text))
    folder.manifest(hooks={"pre_start": "hooks/pre_start.py"})
    for name in ("hooks/pre_start.py", "lib/a.py", "lib/b.py"):
        folder.write(name, f"# {name}\n")
    check_source(folder.path)
    assert len(parsed) == len(set(parsed)) == 4
