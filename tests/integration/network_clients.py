"""The plugin of test_network.py: ordinary clients, unchanged, and what they must not reach."""

# ruff: noqa: PLC0415 - each client is imported when it is tried
from __future__ import annotations

import json
import socket
import struct
import subprocess
import traceback

FOUND = {}
URL = "http://api.example.test/"


def found(function):
    try:
        FOUND[function.__name__] = function()
    except Exception as error:  # noqa: BLE001 (that is the finding)
        number = getattr(error, "errno", None)
        FOUND[function.__name__] = [type(error).__name__, number, "".join(traceback.format_exception(error))[-600:]]


def by_urllib():
    import urllib.request

    with urllib.request.urlopen(URL, timeout=10) as answer:
        return answer.read().decode()


def by_requests():
    import requests

    return requests.get(URL, timeout=10).text


def by_httpx():
    import httpx

    return httpx.get(URL, timeout=10).text


def by_httpx_async():
    import asyncio

    import httpx

    async def get():
        async with httpx.AsyncClient(timeout=10) as client:
            return (await client.get(URL)).text

    return asyncio.run(get())


def by_aiohttp():
    import asyncio

    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session, session.get(URL) as answer:
            return await answer.text()

    return asyncio.run(get())


def by_a_raw_socket():
    with socket.create_connection(("api.example.test", 80), 10) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read().decode()[-5:]


def by_curl():
    return subprocess.run(["curl", "-s", "--max-time", "10", URL], capture_output=True, text=True, check=True).stdout


def by_a_wildcard():
    with socket.create_connection(("a.wild.example.test", 80), 10):
        return "hello"


def by_a_driver_of_postgresql():
    import pg8000.native

    connection = pg8000.native.Connection("user", host="db.example.test", port=5432, password="")
    connection.close()
    return "hello"


def by_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"hello", ("time.example.test", 123))
        return client.recv(99).decode().removeprefix("re:")


def by_a_question_over_tcp():
    question = struct.pack("!6H", 1, 256, 1, 0, 0, 0) + b"\3api\7example\4test\0" + struct.pack("!HH", 1, 1)
    with socket.create_connection(("127.53.53.53", 53), 10) as client:
        client.sendall(struct.pack("!H", len(question)) + question)
        return "hello" if client.recv(512).endswith(socket.inet_aton("11.0.0.2")) else "no"


def not_the_address_before_its_name():
    socket.create_connection(("11.0.0.2", 80), 10)


def not_another_port():
    socket.create_connection(("api.example.test", 8080), 10)


def not_the_database_by_http():
    socket.create_connection(("db.example.test", 8080), 10)


def not_another_name():
    socket.create_connection(("other.test", 80), 10)


def not_the_host_itself():
    socket.create_connection(("11.0.0.1", 80), 10)


def not_curl_elsewhere():
    subprocess.run(["curl", "-s", "--max-time", "10", "http://api.example.test:8080/"], check=True)


def not_a_name_that_leads_to_loopback_now():
    socket.create_connection(("b.wild.example.test", 80), 10)


def not_a_name_that_leads_to_the_host_now():
    socket.create_connection(("c.wild.example.test", 80), 10)


def not_a_name_that_leads_to_metadata_now():
    socket.create_connection(("d.wild.example.test", 80), 10)


CLIENTS = (
    by_urllib, by_requests, by_httpx, by_httpx_async, by_aiohttp, by_a_raw_socket, by_curl, by_a_wildcard,
    by_a_driver_of_postgresql, by_datagram, by_a_question_over_tcp,
)  # fmt: skip
DENIED = (
    not_another_port, not_the_database_by_http, not_another_name, not_the_host_itself, not_curl_elsewhere,
    not_a_name_that_leads_to_loopback_now, not_a_name_that_leads_to_the_host_now,
    not_a_name_that_leads_to_metadata_now,
)  # fmt: skip
REBOUND = "127.0.0.1 b.wild.example.test\n11.0.0.1 c.wild.example.test\n169.254.169.254 d.wild.example.test\n"


def main(channel, assignment):
    found(not_the_address_before_its_name)
    for client in CLIENTS:
        found(client)
    hosts = f"{REBOUND}11.0.0.2 api.example.test db.example.test other.test\n"
    with channel.makefile("rwb") as stream:
        stream.write(json.dumps({"hosts": hosts}).encode() + b"\n")
        stream.flush()
        stream.readline()
        for client in DENIED:
            found(client)
        stream.write(json.dumps(FOUND).encode() + b"\n")
