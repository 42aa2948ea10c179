"""Ordinary network clients inside a plugin, in a small internet of network namespaces, as root and as a user."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import uv

from tests.fakes.own_network import result_in_own_network

HERE = Path(__file__).parent
LIBRARIES = ("aiohttp>=3.10", "httpx>=0.27", "pg8000>=1.31", "requests>=2.32")


@pytest.fixture(scope="session")
def libraries(base, product):
    """The clients' packages, as a plugin would bundle them."""
    target = base / "libraries"
    installer = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(product), "--target", str(target)]
    subprocess.run([*installer, *LIBRARIES], check=True)
    return target


@pytest.fixture
def found(account, libraries):
    """What the plugin found, in a world made for it."""
    application = account.folder / "store" / "plugins" / "clients" / "1"
    shutil.copytree(libraries, application)
    shutil.copy(HERE / "network_clients.py", application / "clients.py")
    shutil.copy(HERE / "network_world.py", account.folder)
    for path in (account.folder, *account.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    account.give(account.folder)
    command = [str(account.python), "-I", "network_world.py", str(account.folder)]
    return result_in_own_network(command, cwd=account.folder, identity=account.identity)


def test_clients_work_unchanged_and_reach_what_is_granted_and_nothing_else(found):
    clients = {name: said for name, said in found.items() if name.startswith("by_")}
    assert clients == dict.fromkeys(clients, "hello")
    assert len(clients) == 11
    assert found["not_the_address_before_its_name"][:2] == ["PermissionError", 13]
    denied = {name: said[0] for name, said in found.items() if name.startswith("not_")}
    assert len(denied) == 9
    assert set(denied.values()) == {"PermissionError", "gaierror", "CalledProcessError"}, denied
