from __future__ import annotations

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation.rootfs import RootContents, check_prefix


def contents(prefix):
    return RootContents(prefix=prefix, packages=[], plugins="/home/ada/store/plugins", data="/home/ada/store/data")


@pytest.mark.parametrize("prefix", ["/", "/home", "/home/ada", "/home/ada/store/"])
def test_a_python_that_would_show_the_store_is_refused(prefix):
    with pytest.raises(IsolationRefused) as caught:
        check_prefix(contents(prefix))
    assert caught.value.code == "MOP4003"


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/home/ada/python", "/home/ad", "/opt/python"])
def test_a_python_in_a_directory_of_its_own_is_accepted(prefix):
    check_prefix(contents(prefix))
