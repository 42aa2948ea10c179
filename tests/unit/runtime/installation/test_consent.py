from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mobileops.manifest import Permission, allows
from mobileops.runtime.installation.consent import both

PERMISSIONS = st.lists(
    st.sampled_from([
        "network", "network.http", "network.http:example.com", "network.tcp:example.com:80", "filesystem.read",
        "filesystem.read:/a", "filesystem.read:/a/b", "filesystem.write:/a", "events.publish:a.*", "events.publish:a.b",
    ]),
    max_size=5,
).map(lambda texts: tuple(map(Permission.parse, texts)))  # fmt: skip


@given(PERMISSIONS, PERMISSIONS)
def test_what_both_lists_allow_is_allowed_by_each(old: tuple[Permission, ...], new: tuple[Permission, ...]) -> None:
    assert all(allows(old, one) and allows(new, one) for one in both(old, new))


@given(PERMISSIONS)
def test_a_list_and_itself_allow_the_list(old: tuple[Permission, ...]) -> None:
    assert set(both(old, old)) == set(old)


def test_a_wider_permission_becomes_the_narrower_one_that_was_accepted() -> None:
    old, new = [Permission.parse("filesystem.read:/a")], [Permission.parse("filesystem.read")]
    assert list(map(str, both(old, new))) == ["filesystem.read:/a"]
