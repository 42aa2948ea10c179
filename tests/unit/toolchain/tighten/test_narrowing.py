"""`mobileops.toolchain.tighten.narrowing`: what stays of a permission, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.manifest import Permission, allows
from mobileops.toolchain.checks.needs import Need
from mobileops.toolchain.checks.spot import Spot
from mobileops.toolchain.checks.uses import Use
from mobileops.toolchain.tighten.narrowing import RECORDED, STATIC, Known, missing, narrowed, result
from mobileops.toolchain.tighten.observed import observations

PLACE = ["main.py", 10]


def parsed(*texts):
    return [Permission.parse(text) for text in texts]


def known(*records, needs=(), unseen=(), explained=(), decisions=()):
    return Known(observations(records, decisions), needs, dict.fromkeys(unseen, "a dependency"), dict(explained))


def need(what, *names, line=30, exact=None, sure=True):
    return Need("main.py", Use(what, Spot(line, 0), names, exact, sure), Permission.parse(exact) if exact else None)


def kept(declared, facts):
    (verdict,) = narrowed([Permission.parse(declared)], facts)
    return [str(one) for one in verdict.kept]


@pytest.mark.parametrize(
    ("declared", "record", "expected"),
    [
        ("network", ["connect", "tcp", "a.example.com", 443, PLACE], ["network.http:a.example.com"]),
        ("network.tcp:443", ["connect", "tcp", "a.example.com", 443, PLACE], ["network.tcp:a.example.com:443"]),
        ("network", ["connect", "tcp", "db.example.com", 5432, PLACE], ["network.tcp:db.example.com:5432"]),
        ("network", ["lookup", "a.example.com", 80, PLACE], ["network.http:a.example.com"]),
        ("network", ["lookup", "a.example.com", None, PLACE], ["network"]),
        ("network", ["connect", "tcp", "10.0.0.1", 443, PLACE], []),
        ("network.listen:8080", ["listen", 8080, PLACE], ["network.listen:8080"]),
        (
            "network.udp:*.example.com:53",
            ["connect", "udp", "a.example.com", 53, PLACE],
            ["network.udp:a.example.com:53"],
        ),
        ("filesystem.read", ["file", "/srv/a", "r", True, PLACE], ["filesystem.read:/srv/a"]),
        ("filesystem.write", ["file", "/srv/a", "rw", True, PLACE], ["filesystem.write:/srv/a"]),
        ("filesystem.read:/srv", ["file", "/opt/a", "r", True, PLACE], []),
        ("filesystem.read", ["file", "/etc/ssl/certs/a.pem", "r", True, PLACE], []),
        ("filesystem.read", ["file", "/data/a", "r", True, PLACE], []),
        ("filesystem.read:/data", ["file", "/data/a", "r", True, PLACE], []),
        ("system.environment", ["variable", "LC_ALL", PLACE], ["system.environment:LC_ALL"]),
        ("system.environment", ["variable", "HOME", PLACE], []),
        ("system.environment", ["variable", None, PLACE], ["system.environment"]),
        ("system.process", ["process", "/bin/true", PLACE], ["system.process"]),
        ("plugin.communicate", ["call", "send_message", "peer", PLACE], ["plugin.communicate:peer"]),
        ("plugin.communicate", ["call", "send_message", None, PLACE], ["plugin.communicate"]),
        ("events.publish:*", ["call", "publish", "a.b", PLACE], ["events.publish:a.b"]),
        ("api.platform", ["call", "get_platform_api", None, PLACE], ["api.platform"]),
    ],
)
def test_a_permission_becomes_exactly_what_was_recorded(declared, record, expected):
    assert kept(declared, known(record)) == expected


def test_what_was_recorded_has_file_and_line():
    (verdict,) = narrowed(parsed("filesystem.read"), known(["file", "/srv/a", "r", True, PLACE]))
    (evidence,) = verdict.evidence
    assert (evidence.where, evidence.how, verdict.outcome) == ("main.py:10", RECORDED, "narrowed")


def test_what_only_the_code_shows_is_kept_exactly_and_says_why():
    place = need("os.listdir", "filesystem.read", exact="filesystem.read:/srv")
    (verdict,) = narrowed(parsed("filesystem.read"), known(needs=[place]))
    assert [(str(one.permission), one.where, one.how) for one in verdict.evidence] == [
        ("filesystem.read:/srv", "main.py:30", STATIC)
    ]


def test_a_file_that_the_code_writes_may_not_exist_yet_so_its_folder_is_kept():
    place = need("open", "filesystem.write", exact="filesystem.write:/srv/log/a")
    assert kept("filesystem.write", known(needs=[place])) == ["filesystem.write:/srv/log"]
    assert kept("filesystem.write:/srv/log/a", known(needs=[place])) == ["filesystem.write:/srv/log/a"]


def test_a_place_that_does_not_say_what_it_needs_keeps_the_whole_permission_unless_it_was_run():
    place = need("urlopen", "network", "network.http")
    assert kept("network", known(needs=[place])) == ["network"]
    run = ["connect", "tcp", "a.example.com", 80, ["main.py", 31]]
    assert kept("network", known(run, needs=[place])) == ["network.http:a.example.com"]


def test_a_place_that_was_run_on_the_plugins_own_files_needs_nothing():
    place = need("open", "filesystem.read", sure=False)
    assert kept("filesystem.read", known(["file", "/data/a", "r", True, ["main.py", 30]], needs=[place])) == []
    assert kept("filesystem.read", known(["file", "/data/a", "r", True, ["main.py", 90]], needs=[place])) == [
        "filesystem.read"
    ]


def test_what_a_dependency_may_need_is_kept_until_something_was_recorded():
    assert kept("network", known(unseen=["network"])) == ["network"]
    record = ["connect", "tcp", "a.example.com", 443, ["vendor/requests/api.py", 3]]
    assert kept("network", known(record, unseen=["network"])) == ["network.http:a.example.com"]


def test_a_program_that_the_tests_start_hides_files_but_not_connections():
    declared = parsed("system.process", "filesystem.read", "network")
    facts = known(["process", "/bin/true", PLACE], ["file", "/srv/a", "r", True, PLACE])
    assert result(narrowed(declared, facts)) == parsed("system.process", "filesystem.read")


def test_a_program_that_only_the_code_starts_hides_all():
    facts = known(needs=[need("subprocess.run", "system.process")])
    declared = parsed("system.process", "filesystem.read", "network", "events.publish:a")
    assert result(narrowed(declared, facts)) == declared[:3]


def test_a_program_that_may_not_be_started_hides_nothing():
    facts = known(needs=[need("subprocess.run", "system.process")])
    assert result(narrowed(parsed("filesystem.read"), facts)) == []


def test_a_connection_of_a_program_is_known_from_the_broker():
    line = {"operation": "connect", "verdict": "allowed", "target": "tcp 192.0.2.1:443", "name": "a.example.com"}
    facts = known(["process", "/usr/bin/curl", PLACE], decisions=[line])
    assert kept("network", facts) == ["network.http:a.example.com"]


def test_a_name_that_was_looked_up_by_nobody_else_keeps_the_permission():
    line = {"operation": "resolve", "verdict": "allowed", "target": "a.example.com", "name": None}
    assert kept("network", known(decisions=[line])) == ["network"]
    looked = ["lookup", "a.example.com", 443, PLACE]
    assert kept("network", known(looked, decisions=[line])) == ["network.http:a.example.com"]


def test_what_another_key_of_the_manifest_needs_is_kept():
    topic = Permission.parse("events.publish:a.b")
    assert kept("events.publish:a.*", known(explained={topic: "events"})) == ["events.publish:a.b"]


def test_the_order_stays_and_nothing_is_said_twice():
    declared = parsed("filesystem.read", "network", "filesystem.read:/srv")
    facts = known(["file", "/srv/a", "r", True, PLACE], ["connect", "tcp", "a.example.com", 80, PLACE])
    assert result(narrowed(declared, facts)) == parsed("filesystem.read:/srv/a", "network.http:a.example.com")


def test_what_was_tried_without_a_permission_is_missing_and_never_added():
    facts = known(["file", "/srv/a", "r", False, PLACE])
    assert [str(one.forms[0]) for one in missing([], facts)] == ["filesystem.read:/srv/a"]
    assert result(narrowed([], facts)) == []


def test_a_line_that_nobody_understands_is_passed_over():
    assert observations([["odd"], ["file"], ["listen", PLACE], ["nothing", 1, None]], []) == []


TEXTS = ["network", "network.http", "filesystem.read", "filesystem.read:/srv", "filesystem.write", "system.environment"]
RECORDS = [
    ["connect", "tcp", "a.example.com", 443, PLACE],
    ["lookup", "b.example.com", 80, PLACE],
    ["file", "/srv/a", "rw", True, PLACE],
    ["file", "/opt", "r", True, None],
    ["variable", "LANGUAGE", PLACE],
    ["process", "x", PLACE],
]


@given(st.lists(st.sampled_from(TEXTS), unique=True), st.lists(st.sampled_from(RECORDS)))
def test_nothing_is_allowed_that_was_not_allowed_before(texts, records):
    declared = parsed(*texts)
    assert all(allows(declared, one) for one in result(narrowed(declared, known(*records))))
