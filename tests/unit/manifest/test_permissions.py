from __future__ import annotations

import pytest

from mobileops.errors import ManifestError
from mobileops.manifest.permissions import Permission, allows, covers


def permission(text):
    return Permission.parse(text)


def includes(granted, needed):
    return covers(permission(granted), permission(needed))


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("network", "network.http"),
        ("network", "network.http:*.example.com"),
        ("network", "network.tcp:8080"),
        ("network", "network.tcp:db.example.com:5432"),
        ("network.http", "network.http:api.example.com"),
        ("network.http", "network.tcp:443"),
        ("network.http:api.example.com", "network.tcp:api.example.com:80"),
        ("network.http:*.example.com", "network.http:api.example.com"),
        ("network.http:*.example.com", "network.http:*.eu.example.com"),
        ("network.tcp:8080", "network.tcp:example.com:8080"),
        ("network.udp:*.example.com:53", "network.udp:ns.example.com:53"),
        ("filesystem.read", "filesystem.read:/a"),
        ("filesystem.read:/a", "filesystem.read:/a/b"),
        ("api.platform", "api.platform.ai"),
        ("system.environment", "system.environment:LANG"),
        ("plugin.communicate", "plugin.communicate:data-processor"),
        ("events.subscribe:*", "events.subscribe:device.*"),
        ("events.subscribe:device.*", "events.subscribe:device.usb.added"),
        ("events.publish:a.*", "events.publish:a.b.*"),
    ],
)
def test_the_wider_permission_covers_the_narrower_and_not_the_reverse(granted, needed):
    assert includes(granted, needed)
    assert not includes(needed, granted)


@pytest.mark.parametrize(
    ("granted", "needed"),
    [
        ("network", "network.udp:example.com:53"),
        ("network", "network.listen:8080"),
        ("network.http", "network.tcp:8080"),
        ("network.tcp:443", "network.http"),
        ("network.tcp:443", "network.tcp:80"),
        ("network.http:*.example.com", "network.http:example.com"),
        ("network.http:*.example.com", "network.http:evilexample.com"),
        ("network.http:example.com", "network.http:www.example.com"),
        ("network.http:a.example.com", "network.http"),
        ("filesystem.read:/a", "filesystem.read:/ab"),
        ("filesystem.read:/a/b", "filesystem.read:/a"),
        ("filesystem.read:/a", "filesystem.read"),
        ("filesystem.write", "filesystem.read"),
        ("filesystem.write:/a", "filesystem.read:/a"),
        ("api.platform.ai", "api.platform.assets"),
        ("system.environment", "system.process"),
        ("system.environment:LANG", "system.environment:LANGUAGE"),
        ("plugin.communicate:a", "plugin.communicate:b"),
        ("events.publish:a", "events.publish:a.b"),
        ("events.publish:a.*", "events.publish:a"),
        ("events.publish:a.*", "events.publish:ab"),
        ("events.publish:a.*", "events.subscribe:a.b"),
    ],
)
def test_what_is_not_granted_is_not_covered(granted, needed):
    assert not includes(granted, needed)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "169.254.169.254", "10.1.2.3", "192.168.0.1", "224.0.0.1", "[::1]", "[fe80::1]", "[ff02::1]",
     "localhost", "db.localhost", "100.64.0.1"],
)  # fmt: skip
def test_the_cloud_metadata_address_and_its_like_are_covered_only_by_name(host):
    needed = f"network.tcp:{host}:80"
    assert permission(needed).is_private
    assert not any(includes(granted, needed) for granted in ("network", "network.http", "network.tcp:80"))
    assert includes(f"network.http:{host}", needed)


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]", "example.com", "localhost.example.com"])
def test_a_public_address_is_covered_by_the_wide_permissions(host):
    assert not permission(f"network.http:{host}").is_private
    assert not permission("network.tcp:80").is_private
    assert includes("network", f"network.tcp:{host}:80")


def test_allows_wants_one_permission_that_covers_all():
    granted = [permission("network.tcp:80"), permission("network.tcp:443")]
    assert allows(granted, permission("network.tcp:example.com:443"))
    assert not allows(granted, permission("network.http"))
    assert not allows([], permission("ui.render"))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("filesystem.read:/", "filesystem.read"),
        ("filesystem.read:/data/", "filesystem.read:/data"),
        ("network.http:[2001:DB8:0::1]", "network.http:[2001:db8::1]"),
        ("network.tcp:[0::1]:80", "network.tcp:[::1]:80"),
        ("network.tcp:8080", "network.tcp:8080"),
    ],
)
def test_a_permission_has_one_spelling(text, normal):
    assert str(permission(text)) == normal


@pytest.mark.parametrize(
    ("text", "host", "port", "ports"),
    [
        ("network", None, None, None),
        ("network.http", None, None, {80, 443}),
        ("network.http:[::1]", "::1", None, {80, 443}),
        ("network.http:example.com", "example.com", None, {80, 443}),
        ("network.tcp:8080", None, 8080, {8080}),
        ("network.tcp:[::1]:8080", "::1", 8080, {8080}),
        ("network.udp:example.com:53", "example.com", 53, {53}),
        ("network.listen:8080", None, 8080, {8080}),
        ("filesystem.read:/a:1", None, None, None),
    ],
)
def test_host_and_ports_are_told_apart(text, host, port, ports):
    found = permission(text)
    assert (found.host, found.port, found.ports) == (host, port, ports)


def test_a_permission_knows_its_parts():
    assert (permission("network").family, permission("network").verb) == ("network", "")
    assert (permission("api.platform.ai").family, permission("api.platform.ai").verb) == ("api", "platform.ai")
    assert permission("filesystem.read:/a").path == "/a"
    assert permission("events.publish:a.*").topic == "a.*"
    assert permission("system.environment:LANG").path is None
    assert permission("filesystem.read:/a").topic is None


def test_a_permission_knows_what_the_catalogue_says():
    assert permission("filesystem.read:/a").title == permission("filesystem.read").title
    assert (permission("network").risk, permission("api.platform.ai").risk) == ("high", "low")


def test_only_some_bare_forms_are_broad():
    broad = ["network", "filesystem.read", "filesystem.write:/"]
    assert all(permission(text).is_broad and permission(text).narrower for text in broad)
    narrow = ["network.http", "api.platform", "filesystem.read:/a"]
    assert not any(permission(text).is_broad or permission(text).narrower for text in narrow)


@pytest.mark.parametrize(
    ("text", "code", "fix"),
    [
        ("netwrk", "MOP1201", "did you mean 'network'?"),
        ("quux", "MOP1201", "see `mobileops explain permissions`"),
        ("network.tcp", "MOP1202", None),
        ("ui.render:x", "MOP1203", None),
        ("network.tcp:0", "MOP1204", None),
        ("network.http:[1:2]", "MOP1205", "write it like [2001:db8::1]"),
        ("network.http:[::ffff:127.0.0.1]", "MOP1205", "write 127.0.0.1"),
    ],
)
def test_what_is_no_permission_is_refused_with_its_place(text, code, fix):
    with pytest.raises(ManifestError) as caught:
        Permission.parse(text, where="here")
    assert (caught.value.code, caught.value.where, caught.value.fix) == (code, "here", fix)
