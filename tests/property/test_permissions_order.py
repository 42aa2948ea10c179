from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mobileops.manifest import Permission, allows, covers
from mobileops.manifest._generated import PERMISSIONS

# Few values, so that related permissions meet often.
NAMES = ["example.com", "a.example.com", "b.a.example.com", "*.example.com", "*.a.example.com", "evilexample.com"]
ADDRESSES = ["localhost", "127.0.0.1", "8.8.8.8", "10.0.0.1", "[::1]", "[2001:DB8::1]", "[2606:4700:0::1111]"]
HOSTS = st.sampled_from([*NAMES, *ADDRESSES])
PORTS = st.sampled_from(["80", "443", "8080"])
PATHS = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=3).map(lambda parts: "/" + "/".join(parts)) | st.just(
    "/a/"
)
TOPICS = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3).map(".".join)
PATTERNS = TOPICS | TOPICS.map(lambda topic: topic + ".*") | st.just("*")
ARGUMENTS = {
    "network.http": HOSTS,
    "network.tcp": PORTS | st.builds("{}:{}".format, HOSTS, PORTS),
    "network.udp": st.builds("{}:{}".format, HOSTS, PORTS),
    "network.listen": PORTS,
    "filesystem.read": PATHS,
    "filesystem.write": PATHS,
    "system.environment": st.sampled_from(["A", "AB"]),
    "plugin.communicate": st.sampled_from(["a", "ab"]),
    "events.publish": PATTERNS,
    "events.subscribe": PATTERNS,
}
NEEDS_VALUE = {"network.tcp", "network.udp", "network.listen", "events.publish", "events.subscribe"}


def forms(name):
    """Return texts of one permission name, with and without a value."""
    full = ARGUMENTS.get(name, st.nothing()).map(lambda argument: f"{name}:{argument}")
    return full if name in NEEDS_VALUE else st.just(name) | full


TEXTS = st.one_of([forms(name) for name in PERMISSIONS])
PERMISSION = TEXTS.map(Permission.parse)


@given(TEXTS)
def test_the_normal_form_is_a_fixed_point(text):
    permission = Permission.parse(text)
    assert Permission.parse(str(permission)) == permission


@given(PERMISSION)
def test_covers_is_reflexive(permission):
    assert covers(permission, permission)


@given(PERMISSION, PERMISSION, PERMISSION)
def test_covers_is_transitive(a, b, c):
    assert not (covers(a, b) and covers(b, c)) or covers(a, c)


@given(st.data())
def test_covers_is_transitive_within_a_family(data):
    family = data.draw(st.sampled_from(["network", "filesystem", "events", "api"]))
    names = [name for name in PERMISSIONS if name.partition(".")[0] == family]
    a, b, c = (Permission.parse(data.draw(st.one_of([forms(name) for name in names]))) for _ in range(3))
    assert not (covers(a, b) and covers(b, c)) or covers(a, c)


@given(PERMISSION, PERMISSION)
def test_covers_is_antisymmetric_on_normal_forms(a, b):
    assert not (covers(a, b) and covers(b, a)) or str(a) == str(b)


@given(PERMISSION, PERMISSION)
def test_nothing_is_covered_across_families(a, b):
    assert a.family == b.family or not covers(a, b)


@given(st.lists(PERMISSION, max_size=4), PERMISSION)
def test_more_grants_never_allow_less(granted, needed):
    assert not allows(granted[1:], needed) or allows(granted, needed)
    assert allows([*granted, needed], needed)


@given(PERMISSION)
def test_the_widest_outgoing_permission_covers_all_tcp_to_public_hosts(permission):
    is_tcp = permission.name in {"network", "network.http", "network.tcp"}
    assert covers(Permission("network"), permission) == (is_tcp and not permission.is_private)
