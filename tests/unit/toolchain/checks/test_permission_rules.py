"""The rules that set what the code does against the permissions."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.runtime.launching.zygote import ENVIRONMENT
from mobileops.toolchain.checks import calls, check_source
from tests.unit.toolchain.checks.code_folders import LINE, of, one, write

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


def test_a_path_that_no_permission_can_name_needs_the_broad_one(folder: Any) -> None:
    write(folder, "open('/srv/../etc/x')")
    assert "'filesystem.read'" in (one(folder, "MOP1333").fix or "")


def test_a_web_address_that_is_none_needs_the_usual_permission(folder: Any) -> None:
    write(folder, "requests.get('https://[::1')", imports="import requests")
    assert "'network.http'" in (one(folder, "MOP1333").fix or "")
