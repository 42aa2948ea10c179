"""A repository behind nginx, as docs/guides/publishing.md sets it up: any static web server will do."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

from mobileops.errors import HostFault
from mobileops.manifest import Version
from mobileops.runtime.repository.query import Query
from mobileops.runtime.repository.search import Index
from tests.fakes.repository import Shop, document
from tests.fakes.reserved_port import reserved_port

CONFIGURATION = """
daemon off; master_process off; error_log stderr; pid {root}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        location /staging/ {{ deny all; }}
        location = /metadata/timestamp.json {{ add_header Cache-Control "no-cache"; }}
    }}
}}
"""


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


@pytest.fixture
def url(shop):
    """Serve the repository with nginx on loopback."""
    configuration = shop.root / "nginx.conf"
    command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(shop.root), "-c", str(configuration)]
    with reserved_port() as port:
        configuration.write_text(CONFIGURATION.format(root=shop.root, port=port, folder=shop.folder))
        with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
            try:
                deadline = time.monotonic() + 60
                while subprocess.call(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL):
                    assert time.monotonic() < deadline
                    assert server.poll() is None, server.stderr.read()
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def test_a_device_searches_and_fetches_from_nginx(shop, url, tmp_path):
    published = shop.publish("echo", description="Says it again")
    shop.say(document("weather"))
    client = shop.client(url)
    index = Index(client)
    index.update()
    assert [one.name for one in index.search(Query.parse(["again"]), limit=5)] == ["echo"]
    bundle = shop.sources(url=url).fetch("echo", Version.parse("1.0.0"), tmp_path)
    with shop.publisher.decision()(bundle, tmp_path / f"{bundle.name}.sigstore.json") as verified:
        assert verified.sha256 == published.sha256
    shop.say(document("weather", "2.0.0"))
    assert shop.client(url).document("weather").newest.version == "2.0.0"
    assert client.document("weather").newest.version == "1.0.0"  # what was read stays one state


def test_control_what_nginx_does_not_have_is_said(shop, url):
    client = shop.client(url)
    shutil.rmtree(shop.folder / "metadata")
    with pytest.raises(HostFault, match="MOP6101"):
        client.refresh()
