"""A remembered verdict: what it depends on, and that nobody else can write one."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from mobileops.runtime.trust import verdicts
from mobileops.runtime.trust.verdicts import Question, Verdict, recall, remember


@pytest.fixture
def case(tmp_path):
    """Return a folder of verdicts, a question about files, and the way to ask it again."""
    folder = tmp_path / "verdicts"
    folder.mkdir(mode=0o700)
    for name in ("a.zip", "a.zip.sigstore.json", "trust.json", "pins.json", "root.json"):
        (tmp_path / name).write_text(name)

    class Case:
        path = folder
        home = tmp_path

        def ask(self, name="a.zip"):
            inputs = [str(tmp_path / name) for name in ("trust.json", "pins.json", "trust-state.json")]
            signature = str(tmp_path / "a.zip.sigstore.json")
            return Question.ask(str(tmp_path / name), inputs, signature=signature)

        def recalled(self):
            found = recall(str(folder), self.ask())
            return found and found.report

        def entry(self):
            (found,) = [path for path in folder.iterdir() if path.name != "key"]
            return found

    case = Case()
    anchors = {str(tmp_path / "root.json"): verdicts.digest(str(tmp_path / "root.json"))}
    remember(str(folder), case.ask(), Verdict("trusted", "{}", anchors=anchors, warnings={"old": 5}))
    assert case.recalled() == "trusted"  # the control of every test below
    return case


def test_a_verdict_survives_the_round_trip():
    verdict = Verdict("r\u00e4port\n", '{"a":1}', anchors={"/x": "ab", "/y": "absent"}, warnings={"w": 7})
    found = Verdict.decode(verdict.encode())
    assert (found.report, found.json, found.anchors, found.warnings) == (
        verdict.report,
        verdict.json,
        verdict.anchors,
        verdict.warnings,
    )


@pytest.mark.parametrize("text", [b"3;abc,", b"3:abcd", b"x:abc,"])
def test_what_is_no_netstring_is_no_verdict(text):
    with pytest.raises(ValueError, match=r"netstring|invalid literal"):
        Verdict.decode(text)


def test_only_a_regular_file_of_bounded_size_has_a_digest(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    assert verdicts.digest(str(tmp_path / "file"), limit=5) != verdicts.ABSENT
    assert verdicts.digest(str(tmp_path / "file"), limit=4) == verdicts.ABSENT
    assert verdicts.digest(str(tmp_path / "pipe")) == verdicts.ABSENT


def test_without_sigstore_there_is_no_verifier_to_name(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert verdicts._verifier() == verdicts.ABSENT


@pytest.mark.parametrize("name", ["a.zip", "a.zip.sigstore.json", "trust.json", "pins.json", "root.json"])
def test_a_change_of_any_file_that_it_depends_on_is_a_miss(case, name):
    (case.home / name).write_text("changed")
    assert case.recalled() is None


@pytest.mark.parametrize("name", ["trust.json", "pins.json", "root.json"])
def test_a_file_that_is_gone_is_a_miss(case, name):
    (case.home / name).unlink()
    assert case.recalled() is None


def test_a_serial_that_was_seen_since_is_a_miss(case):
    (case.home / "trust-state.json").write_text('{"serial": 2}')
    assert case.recalled() is None


def test_another_verifier_is_asked_again(case, monkeypatch, tmp_path):
    (tmp_path / "new" / "sigstore").mkdir(parents=True)
    (tmp_path / "new" / "sigstore" / "__init__.py").write_text("__version__ = '4.99'")
    monkeypatch.syspath_prepend(tmp_path / "new")
    assert case.recalled() is None


def test_another_version_of_ours_is_asked_again(case, monkeypatch):
    monkeypatch.setattr(verdicts, "__version__", "99.0.0")
    assert case.recalled() is None


def test_the_verdict_on_another_bundle_is_no_answer(case):
    (case.home / "b.zip").write_text("a.zip.evil")
    assert recall(str(case.path), case.ask("b.zip")) is None
    # Poisoning: put the good entry where the question about the other bundle looks.
    key = (case.path / "key").read_bytes()
    name = verdicts._mac(key, b"name", case.ask("b.zip").encode()).hex()
    shutil.copy(case.entry(), case.path / name)
    assert recall(str(case.path), case.ask("b.zip")) is None


def test_a_bundle_or_signature_that_is_not_there_is_no_question(case):
    (case.home / "a.zip").unlink()
    assert case.ask() is None


@pytest.mark.parametrize("keep", [0, 1, 31, 32, 40, -1])
def test_a_truncated_entry_is_a_miss(case, keep):
    data = case.entry().read_bytes()
    case.entry().write_bytes(data[:keep])
    assert case.recalled() is None


def test_a_flipped_bit_anywhere_is_a_miss(case):
    data = case.entry().read_bytes()
    for at in range(0, len(data), 7):
        case.entry().write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert case.recalled() is None
    case.entry().write_bytes(data)
    assert case.recalled() == "trusted"


def test_an_entry_that_was_made_with_another_key_is_a_miss(case, tmp_path):
    """A program that may write files here, but cannot read the key, forges with its own."""
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    remember(str(theirs), case.ask(), Verdict("forged", "{}", anchors={}, warnings={}))
    (forged,) = [path for path in theirs.iterdir() if path.name != "key"]
    case.entry().write_bytes(forged.read_bytes())
    assert case.recalled() is None
    # Control: with the key stolen too, the forgery is believed. The key is what stands in the way.
    shutil.copy(theirs / "key", case.path / "key")
    shutil.copy(forged, case.path / forged.name)
    assert case.recalled() == "forged"


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_key_that_a_crash_cut_off_is_a_miss_until_it_is_made_again(case, content):
    (case.path / "key").write_bytes(content)
    assert case.recalled() is None
    remember(str(case.path), case.ask(), Verdict("trusted", "{}", anchors={}, warnings={}))
    assert len((case.path / "key").read_bytes()) == 32
    assert case.recalled() == "trusted"


def test_a_key_that_is_too_long_is_a_miss_and_stays_one(case):
    (case.path / "key").write_bytes(b"x" * 33)
    assert case.recalled() is None
    remember(str(case.path), case.ask(), Verdict("trusted", "{}", anchors={}, warnings={}))
    assert case.recalled() is None


@pytest.mark.parametrize("name", ["entry", "key"])
def test_a_link_in_place_of_a_file_is_a_miss(case, name, tmp_path):
    path = case.entry() if name == "entry" else case.path / "key"
    moved = path.rename(tmp_path / "moved")
    path.symlink_to(moved)
    assert case.recalled() is None
    path.unlink()
    path.hardlink_to(moved)
    assert case.recalled() is None
    moved.unlink()
    assert case.recalled() == "trusted"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640])
@pytest.mark.parametrize("name", ["entry", "key", "folder"])
def test_what_others_could_have_written_or_read_is_a_miss(case, name, mode):
    path = {"entry": case.entry(), "key": case.path / "key", "folder": case.path}[name]
    path.chmod(mode | (0o100 if name == "folder" else 0))
    assert case.recalled() is None


def test_a_link_in_place_of_the_folder_is_a_miss(case, tmp_path):
    moved = case.path.rename(tmp_path / "moved")
    case.path.symlink_to(moved)
    assert case.recalled() is None


@pytest.mark.root
@pytest.mark.parametrize("name", ["entry", "key", "folder"])
def test_what_another_account_owns_is_a_miss(case, name):
    """Another account plants a whole folder, or a file in it, with the right permissions and a right code."""
    path = {"entry": case.entry(), "key": case.path / "key", "folder": case.path}[name]
    os.chown(path, 12345, 12345)
    assert case.recalled() is None
    os.chown(path, 0, 0)
    assert case.recalled() == "trusted"


def test_a_pipe_or_an_endless_entry_is_a_miss_and_does_not_block(case):
    path = case.entry()
    path.unlink()
    os.mkfifo(path, 0o600)
    assert case.recalled() is None
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 40)
    path.chmod(0o600)
    assert case.recalled() is None


def test_a_home_without_the_folder_remembers_nothing(case, tmp_path):
    remember(str(tmp_path / "none"), case.ask(), Verdict("x", "{}", anchors={}, warnings={}))
    assert recall(str(tmp_path / "none"), case.ask()) is None


def test_an_oversize_verdict_is_not_kept(case):
    case.entry().unlink()
    remember(str(case.path), case.ask(), Verdict("x" * (64 << 10), "{}", anchors={}, warnings={}))
    assert case.recalled() is None


def test_the_oldest_entries_make_room(case, monkeypatch):
    monkeypatch.setattr(verdicts, "MAX_ENTRIES", 3)
    first = case.entry()
    os.utime(first, (1, 1))
    for number in range(3):
        (case.home / f"{number}.zip").write_text(str(number))
        remember(str(case.path), case.ask(f"{number}.zip"), Verdict("x", "{}", anchors={}, warnings={}))
    assert not first.exists()
    assert len(list(case.path.iterdir())) == 4


def test_a_warning_is_said_when_its_time_has_come():
    soon = {"old": int(time.time()) - 1, "young": int(time.time()) + 3600}
    assert Verdict("", "", anchors={}, warnings=soon).due() == ["old"]


def test_an_answer_about_an_exchanged_file_is_noticed(case):
    question = case.ask()
    archive = verdicts.digest(str(case.home / "a.zip"))
    assert question.answered_by(archive, b"a.zip.sigstore.json")
    assert not question.answered_by("0" * 64, b"a.zip.sigstore.json")
    assert not question.answered_by(archive, b"another")
