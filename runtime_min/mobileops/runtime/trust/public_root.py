"""The trust root of the public Sigstore, as it ships with this package.

``public_trusted_root.json`` is the target ``trusted_root.json`` of Sigstore's production TUF repository, and
``public_tuf_root.json`` the TUF root that ``mobileops trust update`` starts from. Both are byte for byte those that
the distribution ``sigstore`` 4.5.1 carries in ``sigstore/_store`` (Apache-2.0). `DATE` is the day on which
sigstore-python last took both from the repository (its commit fb9f2c4c, "TUF: Update embedded roots").
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).with_name("public_trusted_root.json")
SHA256: Final = "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66"
DATE: Final = date(2026, 6, 1)
TUF_ROOT: Final = Path(__file__).with_name("public_tuf_root.json")
TUF_URL: Final = "https://tuf-repo-cdn.sigstore.dev"
