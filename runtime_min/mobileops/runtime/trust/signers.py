"""Step 2: may this signer publish this name? Who owns the name decides: a rule, else a pin, else the first to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.policy import Pin, Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.errors import TrustRefused
    from mobileops.runtime.trust._sigstore import Checked
    from mobileops.runtime.trust.policy import TrustPolicy
    from mobileops.runtime.trust.rules import Publisher, Root


def decide(name: str, checked: Checked, *, policy: TrustPolicy, pins: Mapping[str, Pin], where: str) -> Signer:
    """Return the signer under the root that counts for a name.

    Args:
        name: the plugin, as its archive says; step 5 shows that the signer says so too.
        checked: what holds about the signature.
        policy: a rule of it owns the name, or none does.
        pins: plugin name -> signer recorded at its first install.
        where: the bundle, for errors.

    Raises:
        TrustRefused: ``MOP3111`` to ``MOP3114``.
    """
    publisher = policy.publisher_of(name)
    if publisher is not None:
        return _by_rule(name, checked, publisher=publisher, where=where, source=policy.where)
    pin = pins.get(name)
    if pin is not None:
        return _by_pin(name, checked, pin=pin, where=where)
    return _signer(checked.roots[0], checked)


def _by_rule(name: str, checked: Checked, *, publisher: Publisher, where: str, source: str) -> Signer:
    held = {root.name: root for root in checked.roots}
    rule = f"the rule for {', '.join(publisher.plugins)} in {source}"
    comparisons = (
        (Code.ROOT, "signed under the root", ", ".join(held), publisher.root, publisher.root in held),
        (Code.ISSUER, "vouched for by", checked.issuer, publisher.issuer, checked.issuer == publisher.issuer),
        (Code.SIGNER, "signed by", checked.identity, publisher.identity, checked.identity == publisher.identity),
    )
    for code, verb, found, expected, fits in comparisons:
        if not fits:
            raise refuse(
                code,
                f"{name!r} is {verb} {found!r}",
                where=where,
                why=f"{rule} accepts only {expected!r}",
                fix="get the plugin from its publisher, or change the rule if the publisher did",
            )
    return _signer(held[publisher.root], checked)


def _by_pin(name: str, checked: Checked, *, pin: Pin, where: str) -> Signer:
    for root in checked.roots:
        signer = _signer(root, checked)
        if Pin.of(signer) == pin:
            return signer
    raise _changed(name, Pin.of(_signer(checked.roots[0], checked)), pin=pin, where=where)


def _changed(name: str, found: Pin, *, pin: Pin, where: str) -> TrustRefused:
    old, new = pin.to_dict(), found.to_dict()
    changed = ", ".join(f"{key} {old[key]!r} became {new[key]!r}" for key in old if old[key] != new[key])
    return refuse(
        Code.PIN_CHANGED,
        f"{name!r} has another signer than at its first install: {changed}",
        where=where,
        why="a name without a publisher rule belongs to whoever signed its first installed version",
        fix="get the plugin from that signer, or write a publisher rule for the name into the trust policy",
    )


def _signer(root: Root, checked: Checked) -> Signer:
    return Signer(root.name, root.assurance, checked.issuer, checked.identity)
