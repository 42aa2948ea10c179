from __future__ import annotations

import base64
import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.errors import HostFault, UsageError
from mobileops.runtime.trust import signature_file
from mobileops.toolchain.sign import LocalInstance, SignedBy, keyless
from mobileops.toolchain.sign.keyless import Service, SigstoreSigner, ambient_token, browser_token, token_from
from mobileops.toolchain.sign.retry import Backoff
from tests.fakes.served_instance import serving

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://example.org/test",
        "predicate": {"b": 1, "a": 2},
    }
).encode()
OTHER = STATEMENT.replace(b"example.org", b"example.net")
AMBIENT = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "SIGSTORE_ID_TOKEN", "GOOGLE_SERVICE_ACCOUNT_NAME")


@pytest.fixture(autouse=True)
def no_ambient_identity(monkeypatch):
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def waits():
    return []


@pytest.fixture
def backoff(waits):
    return Backoff(sleep=waits.append)


@pytest.fixture
def server(instance):
    with serving(instance) as served:
        yield served


@pytest.fixture
def service(server, tmp_path):
    path = tmp_path / "trust_config.json"
    path.write_bytes(server.trust_config_json())
    return Service.from_file(path)


def code_of(call, *arguments, kind, **keywords):
    with pytest.raises(kind) as caught:
        call(*arguments, **keywords)
    return caught.value.code


def test_a_service_certifies_the_identity_of_the_token(service, server, instance, tmp_path):
    signature = SigstoreSigner(service, token_from(server.mint.token)).sign(STATEMENT)
    assert signature.by == SignedBy("private", "dev@localhost", instance.issuer, "private")
    (tmp_path / "s").write_bytes(signature.bundle)
    document = signature_file.read(tmp_path / "s").document  # in the one shape that a device reads
    assert base64.b64decode(document["dsseEnvelope"]["payload"]) == STATEMENT


def test_an_overloaded_service_is_asked_again(service, server, backoff, waits, monkeypatch):
    real, calls = type(server).verify_request, []

    def overloaded(self, *arguments):
        calls.append(arguments)
        return len(calls) > 2 and real(self, *arguments)

    monkeypatch.setattr(type(server), "verify_request", overloaded)
    SigstoreSigner(service, token_from(server.mint.token), backoff=backoff).sign(STATEMENT)
    assert waits == [1.0, 3.0]


def test_a_service_that_refuses_is_asked_once_and_quoted(service, instance, backoff, waits, tmp_path):
    with serving(instance) as other:
        signer = SigstoreSigner(service, token_from(other.mint.token), backoff=backoff)
        with pytest.raises(HostFault, match="not the one of this server") as caught:
            signer.sign(STATEMENT)
    assert (caught.value.code, waits) == ("MOP3222", [])
    assert other.mint.token not in str(caught.value)


def test_a_signature_that_its_own_root_does_not_verify_is_not_handed_out(service, server, monkeypatch):
    real = SigstoreSigner._sign
    monkeypatch.setattr(SigstoreSigner, "_sign", lambda self, _: real(self, OTHER))
    signer = SigstoreSigner(service, token_from(server.mint.token))
    assert code_of(signer.sign, STATEMENT, kind=HostFault) == "MOP3225"


def test_the_root_of_another_instance_does_not_vouch(server, tmp_path, instance):
    other = LocalInstance.open_or_create(tmp_path / "other")
    mixed = json.loads(server.trust_config_json()) | {"trustedRoot": json.loads(other.trusted_root_json())}
    service = Service("private", ClientTrustConfig.from_json(json.dumps(mixed)))
    signer = SigstoreSigner(service, token_from(server.mint.token))
    assert (
        code_of(signer.sign, STATEMENT, kind=HostFault) == "MOP3222"
    )  # sigstore-python looks at the certificate first


def test_the_public_service_is_another_mode_with_another_assurance(service, server):
    public = dataclasses.replace(service, mode="keyless")
    by = SigstoreSigner(public, token_from(server.mint.token)).sign(STATEMENT).by
    assert (by.mode, by.assurance) == ("keyless", "public")


@pytest.mark.parametrize("text", ["", "{}", "\ud800", '{"mediaType": "x"}'])
def test_a_file_that_is_no_trust_configuration_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert code_of(Service.from_file, path, kind=UsageError) == "MOP3223"


def test_a_repository_that_cannot_be_reached_is_tried_again_and_named(tmp_path, backoff, waits, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ClientTrustConfig, "from_tuf", unreachable)
    monkeypatch.setattr(ClientTrustConfig, "production", unreachable)
    (tmp_path / "root.json").touch()
    load = Service.from_tuf
    assert code_of(load, "https://t.invalid", tmp_path / "root.json", backoff=backoff, kind=HostFault) == "MOP3222"
    assert code_of(Service.public_good, backoff=backoff, kind=HostFault) == "MOP3222"
    assert waits == [1.0, 3.0, 9.0] * 2


def unreachable(*_, **__):
    raise RuntimeError from ConnectionError("no route")


def test_a_repository_needs_its_root(tmp_path):
    missing = tmp_path / "root.json"
    assert code_of(Service.from_tuf, "https://t.invalid", missing, kind=UsageError) == "MOP3223"


@pytest.mark.parametrize("text", ["", "token", "a.b.c", "e30.e30.e30"])
def test_text_that_is_no_token_is_refused(text):
    assert code_of(token_from, text, kind=UsageError) == "MOP3221"


class Provider(HTTPServer):
    """The endpoint that gives a GitHub job its token."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.answers = list(answers)
        self.asked = []


class ProviderHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Authorization"]))
        status, text = self.server.answers.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def provider(monkeypatch):
    started = []

    def start(*answers):
        endpoint = Provider(*answers)
        thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        started.append((endpoint, thread))
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"http://127.0.0.1:{endpoint.server_port}/token?x=1")
        return endpoint

    yield start
    for endpoint, thread in started:
        endpoint.shutdown()
        thread.join()
        endpoint.server_close()


def test_a_github_job_has_a_token(provider, server, backoff, waits):
    endpoint = provider((503, ""), (200, json.dumps({"value": server.mint.token})))
    assert ambient_token(backoff=backoff).identity == "dev@localhost"
    assert endpoint.asked == [("/token?x=1&audience=sigstore", "bearer job")] * 2
    assert waits == [1.0]


def test_a_github_job_without_the_permission_is_told_which(monkeypatch, backoff, waits):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)
    with pytest.raises(HostFault, match="ACTIONS_ID_TOKEN_REQUEST_TOKEN") as caught:
        ambient_token(backoff=backoff)
    assert (caught.value.code, "id-token: write" in caught.value.fix, waits) == ("MOP3224", True, [])


def test_a_gitlab_job_has_a_token_in_a_variable(monkeypatch, server):
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", server.mint.token)
    assert ambient_token().identity == "dev@localhost"


def test_elsewhere_there_is_none(monkeypatch):
    monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", "/nonexistent")
    assert ambient_token() is None


def test_a_login_that_fails_is_told_as_that(service):
    assert code_of(browser_token, service, without_browser=True, kind=HostFault) == "MOP3224"


def test_a_login_asks_the_provider_of_the_service(service, server, monkeypatch):
    asked = []

    class Issuer:
        def __init__(self, url):
            asked.append(url)

        def identity_token(self, *, force_oob):
            asked.append(force_oob)
            return token_from(server.mint.token)

    monkeypatch.setattr(keyless, "Issuer", Issuer)
    assert browser_token(service, without_browser=True).identity == "dev@localhost"
    assert asked == [server.url, True]


def test_what_is_signed_verifies_with_the_stock_library(service, server, instance):
    bundle = Bundle.from_json(SigstoreSigner(service, token_from(server.mint.token)).sign(STATEMENT).bundle)
    policy = Identity(identity="dev@localhost", issuer=instance.issuer)
    assert Verifier(trusted_root=service.config.trusted_root).verify_dsse(bundle, policy)[1] == STATEMENT
