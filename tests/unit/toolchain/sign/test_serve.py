from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.errors import HostFault
from mobileops.toolchain.sign import LocalInstance
from mobileops.toolchain.sign.serve import InstanceServer, peer
from mobileops.toolchain.sign.serve.server import CERTIFICATE_PATH, ENTRY_PATH
from mobileops.toolchain.sign.serve.token import LIFETIME_S, TokenMint
from mobileops.toolchain.sign.trusted_root import TIMESTAMP_PATH
from tests.fakes.served_instance import serving

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def server(instance):
    with serving(instance) as served:
        yield served


def post(server, path, body=b"{}", **headers):
    """Send one request and return status and answer."""
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        connection.request("POST", path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signing_request(key=None):
    key = key or ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    return json.dumps({"certificateSigningRequest": base64.b64encode(pem).decode()})


def test_the_stock_library_signs_here_and_verifies_offline(server, instance):
    config = ClientTrustConfig.from_json(server.trust_config_json().decode())
    with SigningContext.from_trust_config(config).signer(IdentityToken(server.mint.token)) as signer:
        bundle = signer.sign_artifact(b"artifact")
    policy = Identity(identity="dev@localhost", issuer=instance.issuer)
    Verifier(trusted_root=config.trusted_root).verify_artifact(b"artifact", bundle, policy)
    assert bundle.verification_material.timestamp_verification_data.rfc3161_timestamps


@pytest.mark.parametrize("bearer", ["", "Bearer ", "Bearer e30.e30.c2ln"])
def test_a_certificate_needs_the_token(server, bearer):
    assert post(server, CERTIFICATE_PATH, signing_request(), Authorization=bearer)[0] == 401


def test_the_token_of_another_server_is_refused(server, instance):
    with serving(instance) as other:
        bearer = f"Bearer {other.mint.token}"
        assert post(other, CERTIFICATE_PATH, signing_request(), Authorization=bearer)[0] == 201
        assert post(server, CERTIFICATE_PATH, signing_request(), Authorization=bearer)[0] == 401


def test_a_token_ends():
    mint = TokenMint(issuer="https://x.invalid", identity="dev@localhost", now=NOW)
    assert mint.accepts(mint.token, now=NOW)
    assert not mint.accepts(mint.token, now=NOW + timedelta(seconds=LIFETIME_S))


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "{",
        '{"certificateSigningRequest": 1}',
        '{"certificateSigningRequest": "AAAA"}',
        signing_request(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_what_is_no_request_for_a_p256_key_gets_no_certificate(server, body):
    assert post(server, CERTIFICATE_PATH, body, Authorization=f"Bearer {server.mint.token}")[0] == 400


def test_another_account_gets_no_answer(instance):
    refused = pytest.raises((http.client.BadStatusLine, ConnectionError))
    with serving(instance, owner_of=lambda *_: os.geteuid() + 12345) as server, refused:
        post(server, CERTIFICATE_PATH, signing_request(), Authorization=f"Bearer {server.mint.token}")


def test_a_peer_that_nobody_can_name_gets_no_answer(instance):
    def unreadable(*_):
        raise OSError

    refused = pytest.raises((http.client.BadStatusLine, ConnectionError))
    with serving(instance, owner_of=unreadable) as server, refused:
        post(server, ENTRY_PATH)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/log", {}, 404),
        (ENTRY_PATH, {"Host": "rebound.example"}, 421),
        (ENTRY_PATH, {"Content_Type": "text/plain"}, 415),
        (TIMESTAMP_PATH, {}, 415),
        (ENTRY_PATH, {"Content_Length": "9999999999"}, 413),
        (ENTRY_PATH, {"Content_Length": "-1"}, 413),
        (ENTRY_PATH, {"Content_Length": "00000000000000000000005"}, 413),
    ],
)
def test_a_request_that_a_page_in_a_browser_could_send_or_that_is_too_large_is_refused(server, path, headers, status):
    assert post(server, path, **headers)[0] == status


def entry(instance, *, signer=None, kind="hashedrekord", algorithm="sha256", version="0.0.1"):
    """Return an entry that is signed by a certificate of ``signer``."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (signer or instance).certify(key.public_key(), identity="dev@localhost")
    pem = base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode()
    signature = base64.b64encode(key.sign(b"artifact", ec.ECDSA(hashes.SHA256()))).decode()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"artifact")
    return {
        "apiVersion": version,
        "kind": kind,
        "spec": {
            "data": {"hash": {"algorithm": algorithm, "value": digest.finalize().hex()}},
            "signature": {"content": signature, "publicKey": {"content": pem}},
        },
    }


def test_the_log_takes_what_a_certificate_of_the_instance_signed(server, instance):
    status, body = post(server, ENTRY_PATH, json.dumps(entry(instance)))
    assert status == 201, body
    (logged,) = json.loads(body).values()
    assert logged["verification"]["inclusionProof"]["treeSize"] == 1


def test_the_log_takes_nothing_else(server, instance, tmp_path):
    foreign = LocalInstance.open_or_create(tmp_path / "foreign")
    forged = entry(instance)
    forged["spec"]["data"]["hash"]["value"] = "0" * 64
    envelope = {
        "kind": "dsse",
        "apiVersion": "0.0.1",
        "spec": {"proposedContent": {"envelope": "{}", "verifiers": [""]}},
    }
    refused = (
        {},
        entry(instance, kind="intoto"),
        entry(instance, version="0.0.2"),
        entry(instance, algorithm="sha512"),
        entry(instance, signer=foreign),
        forged,
        envelope,
    )
    for proposed in refused:
        assert post(server, ENTRY_PATH, json.dumps(proposed))[0] == 400, proposed
    assert (instance.directory / "tree").stat().st_size == 0


def test_a_log_that_cannot_be_written_is_told_with_its_code(server, instance):
    (instance.directory / "tree").unlink()
    status, body = post(server, ENTRY_PATH, json.dumps(entry(instance)))
    assert (status, b"MOP3206" in body) == (500, True)


@pytest.mark.parametrize("body", [b"", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\xff" * 40])
def test_what_is_no_time_stamp_request_is_refused(server, body):
    assert post(server, TIMESTAMP_PATH, body, Content_Type="application/timestamp-query")[0] == 400


def test_a_port_that_is_taken_is_a_fault_of_the_host(server, instance):
    for port in (server.server_port, 70000):
        with pytest.raises(HostFault) as caught:
            InstanceServer(instance, identity="dev@localhost", port=port)
        assert caught.value.code == "MOP3240"


def test_the_kernel_says_whose_a_connection_is():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        served, address = listening.accept()
        assert peer.owner(address, served.getsockname()) == os.geteuid()
        client.close()  # closed by its process, it is nobody's: the kernel says user 0
        assert peer.owner(address, served.getsockname()) is None
        served.close()
    assert peer.owner(("127.0.0.1", 1), ("127.0.0.1", 2)) is None


CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"


@pytest.mark.root
def test_the_kernel_tells_another_account_apart():
    nobody = 65534
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = ["/usr/bin/python3", "-c", CONNECT, str(listening.getsockname()[1])]
        with subprocess.Popen(command, user=nobody, cwd="/") as other:
            served, address = listening.accept()
            assert peer.owner(address, served.getsockname()) == nobody
            served.close()
            other.wait(timeout=30)
