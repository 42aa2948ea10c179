from __future__ import annotations

import pytest

from tests.editors.language_server import JsonService, YamlServer


@pytest.fixture(scope="session", params=["vscode-json-languageservice-5", "vscode-json-languageservice-6"])
def json_service(request):
    service = JsonService(request.param)
    yield service
    service.close()


@pytest.fixture(scope="session")
def yaml_server():
    server = YamlServer()
    yield server
    server.close()
