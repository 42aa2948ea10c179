from __future__ import annotations

import getpass
import json
import os
import pty
import select
import subprocess
import sys

import pytest

from mobileops.cli.commands import _secrets
from mobileops.errors import UsageError
from mobileops.toolchain.pack import pack
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.published_json import as_published

PROGRAM = [sys.executable, "-c", "import sys; from mobileops.cli.main import main; sys.exit(main())"]


@pytest.fixture
def descriptor():
    """Give what makes an inherited descriptor with a text in it."""
    opened = []

    def give(text):
        read, write = os.pipe()
        os.write(write, text)
        os.close(write)
        opened.append(read)
        return str(read)

    yield give
    for each in opened:
        os.close(each)


def test_a_key_is_made_listed_and_exported(mobileops, tmp_path):
    code, out, err = mobileops("keys", "generate", "release", "--no-passphrase", "--json")
    made = as_published("keys", out)
    assert (code, made["type"], made["encrypted"], err) == (0, "p256", False, "")
    assert made["hint"] in mobileops("keys", "list")[1]
    assert as_published("keys", mobileops("keys", "list", "--json")[1]) == [made]
    assert as_published("keys", mobileops("keys", "export", "release", "--json")[1])["public"].startswith("-----BEGIN")
    assert mobileops("keys", "export", "release")[1].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert mobileops("keys", "export", "release", "--out", "r.pub")[0] == 0
    assert (tmp_path / "r.pub").read_text() == mobileops("keys", "export", "release")[1]


def test_a_mistyped_name_or_action_gets_a_suggestion(mobileops):
    assert mobileops("keys", "generate", "release", "--no-passphrase")[0] == 0
    code, _, err = mobileops("keys", "export", "relaese")
    assert (code, "did you mean 'release'?" in err) == (1, True)
    code, _, err = mobileops("keys", "genrate", "x")
    assert (code, "did you mean 'generate'?" in err) == (2, True)


def test_without_keys_the_list_says_how_to_make_one(mobileops):
    assert mobileops("keys", "list") == (0, "", "no keys; mobileops keys generate NAME makes one\n")


@pytest.mark.parametrize("words", [("generate",), ("export",), ("list", "x"), ("genrate", "x")])
def test_a_misused_action_is_a_usage_error(mobileops, words):
    assert mobileops("keys", *words)[0] == 2


def test_an_encrypted_key_signs_with_its_passphrase_and_not_with_another(mobileops, descriptor, tmp_path):
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    assert mobileops("keys", "generate", "release", "--passphrase-fd", descriptor(b"open sesame\n"))[0] == 0
    code, out, err = mobileops("sign", str(archive), "--key", "release", "--passphrase-fd", descriptor(b"open sesame"))
    assert code == 0, err
    assert "mode: key" in out
    wrong = mobileops("sign", str(archive), "--key", "release", "--passphrase-fd", descriptor(b"sesame"))
    assert (wrong[0], "MOP3214" in wrong[2], "sesame" in wrong[2]) == (2, True, False)


def test_a_key_file_signs_too(mobileops, tmp_path):
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    private = json.loads(mobileops("keys", "generate", "release", "--no-passphrase", "--json")[1])["private"]
    code, out, _ = mobileops("sign", str(archive), "--key", private, "--json")
    assert (code, as_published("sign", out)["mode"]) == (0, "key")


@pytest.mark.parametrize("text", [b"", b"\n", b"x" * (_secrets.MAX_SECRET_BYTES + 2)])
def test_no_passphrase_and_too_much_of_one_are_refused(descriptor, monkeypatch, text):
    monkeypatch.setattr(_secrets, "MAX_SECRET_BYTES", 1000)
    with pytest.raises(UsageError) as caught:
        _secrets.read_descriptor(int(descriptor(text[:2000])), what="passphrase")
    assert caught.value.code == "MOP3219"


def test_a_descriptor_that_is_not_open_is_refused():
    with pytest.raises(UsageError) as caught:
        _secrets.read_descriptor(987654, what="passphrase")
    assert caught.value.code == "MOP3219"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--mode", "key"), "MOP3220"),
        (("--mode", "local", "--key", "x"), "MOP3220"),
        (("--key", "x", "--identity", "a@b"), "MOP3220"),
        (("--passphrase-fd", "3"), "MOP3220"),
        (("--key", "missing"), "MOP3218"),
    ],
)
def test_options_that_do_not_fit_are_refused(mobileops, tmp_path, options, code):
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    _, _, err = mobileops("sign", str(archive), *options)
    assert code in err
    assert not archive.with_name(f"{archive.name}.sigstore.json").exists()


def without_terminal(*words, home, typed=b""):
    command = [*PROGRAM, *words]
    environment = {**os.environ, "MOBILEOPS_HOME": str(home)}
    return subprocess.run(
        command, input=typed, env=environment, capture_output=True, start_new_session=True, timeout=60, check=False
    )


def test_without_a_terminal_nothing_is_asked_and_no_key_is_made_unencrypted(tmp_path):
    result = without_terminal("keys", "generate", "release", home=tmp_path, typed=b"typed\ntyped\n")
    assert (result.returncode, b"MOP3219" in result.stderr) == (2, True)
    assert not (tmp_path / "keys").exists()


def on_terminal(*words, home, answers):
    """Run a command on a terminal of its own, answer its prompts, and return its exit code and what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["MOBILEOPS_HOME"] = str(home)
        os.execv(sys.executable, [*PROGRAM, *words])  # noqa: S606
    shown, waiting = b"", list(answers)
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if waiting and shown.count(b": ") > len(answers) - len(waiting):
            os.write(terminal, waiting.pop(0))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def test_an_interrupted_prompt_makes_no_key_and_ends_its_line(tmp_path):
    code, shown = on_terminal("keys", "generate", "release", home=tmp_path, answers=[b"\x03"])
    assert (code, b": \r\n" in shown, b"Traceback" in shown) == (130, True, False), shown
    assert not (tmp_path / "keys").exists()


def test_two_different_passphrases_make_no_key(tmp_path):
    code, shown = on_terminal("keys", "generate", "release", home=tmp_path, answers=[b"one\n", b"two\n"])
    assert (code, b"differ" in shown, b"twice" in shown) == (2, True, True), shown
    assert not (tmp_path / "keys").exists()


def test_on_a_terminal_the_passphrase_is_asked_twice_and_not_shown(tmp_path):
    code, shown = on_terminal("keys", "generate", "release", home=tmp_path, answers=[b"swordfish\n", b"swordfish\n"])
    assert (code, b"swordfish" in shown) == (0, False), shown
    assert (tmp_path / "keys" / "release.key").read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


@pytest.mark.parametrize("answers", [["one", "two"], [""], [EOFError]])
def test_a_passphrase_typed_differently_or_not_at_all_is_refused(mobileops, monkeypatch, answers):
    monkeypatch.setattr(_secrets, "TERMINAL", os.devnull)
    replies = iter(answers)

    def typed(*_, **__):
        reply = next(replies)
        if reply is EOFError:
            raise EOFError
        return reply

    monkeypatch.setattr(getpass, "getpass", typed)
    code, _, err = mobileops("keys", "generate", "release")
    assert (code, "MOP3219" in err) == (2, True)
