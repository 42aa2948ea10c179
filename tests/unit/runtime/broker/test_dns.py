from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.broker import dns


def query(name="api.example.com", kind=dns.TYPE_A, *, flags=0x0100, edns=None, record_class=1):
    wire = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    head = struct.pack("!6H", 7, flags, 1, 0, 0, 0 if edns is None else 1)
    option = b"" if edns is None else struct.pack("!BHHIH", 0, 41, edns, 0, 0)
    return head + wire + struct.pack("!HH", kind, record_class) + option


def test_a_question_is_read():
    question = dns.parse(query("API.Example.com"))
    assert (question.number, question.name, question.kind) == (7, "api.example.com", dns.TYPE_A)
    assert question.answer_bytes == 512


def test_the_size_that_edns_announces_is_bounded():
    assert [dns.parse(query(edns=size)).answer_bytes for size in (0, 1232, 65535)] == [512, 1232, 4096]


@pytest.mark.parametrize(
    "message",
    [
        b"", bytes(12), query(flags=0x8180), query(flags=0x2800), query(record_class=3), query()[:-1],
        query("a b.example"),
        query()[:12] + b"\xc0\x0c\0\1\0\1", query()[:12] + b"\x3f" + b"a" * 10, query(".".join(["a" * 60] * 5)),
    ],
)  # fmt: skip
def test_what_is_not_one_plain_question_is_none(message):
    assert dns.parse(message) is None


def test_an_answer_repeats_the_question_and_carries_addresses_of_its_type():
    question = dns.parse(query())
    both = [ipaddress.ip_address("11.0.0.2"), ipaddress.ip_address("2606::1")]
    answer = dns.answer(question, dns.NO_ERROR, both)
    assert struct.unpack_from("!6H", answer) == (7, 0x8180, 1, 1, 0, 0)
    assert answer[12:].startswith(question.wire)
    assert answer.endswith(both[0].packed)


def test_an_answer_that_does_not_fit_is_cut_and_says_so():
    question = dns.parse(query())
    many = [ipaddress.IPv4Address(number) for number in range(100)]
    answer = dns.answer(question, dns.NO_ERROR, many, limit=512)
    _number, flags, _questions, count, *_rest = struct.unpack_from("!6H", answer)
    assert flags & 0x0200
    assert 0 < count < 100
    assert len(answer) <= 512


def test_a_refusal_says_that_there_is_no_such_name():
    answer = dns.answer(dns.parse(query()), dns.NO_SUCH_NAME)
    assert struct.unpack_from("!6H", answer)[1] & 0xF == 3


@given(st.binary(max_size=600))
def test_no_message_is_a_fault(message):
    dns.parse(message)


@given(st.binary(max_size=80), st.integers(0, 40))
def test_no_damaged_question_is_a_fault(noise, where):
    whole = query(edns=4096)
    dns.parse(whole[:where] + noise + whole[where + len(noise) :])
