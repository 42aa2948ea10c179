"""Step 2: may this signer publish this name? Who owns the name decides: a rule, else a pin, else the first to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.runtime.trust import pins as pinned
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.pins import Pin
from mobileops.runtime.trust.signer import Signer
from mobileops.runtime.trust.squatting import imitated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mobileops.runtime.trust.checked import Checked
    from mobileops.runtime.trust.policy import TrustPolicy
    from mobileops.runtime.trust.rules import Publisher, Root

WORKFLOWS: Final = ".github/workflows/"


def decide(name: str, checked: Checked, *, policy: TrustPolicy, pins: Mapping[str, Pin], where: str) -> Signer:
    """Return the signer under the root that counts for a name.

    Args:
        name: the plugin, as its archive says; step 5 shows that the signer says so too.
        checked: what holds about the signature.
        policy: a rule of it owns the name, or none does.
        pins: plugin name -> signer recorded at its first install.
        where: the bundle, for errors.

    Raises:
        TrustRefused: ``MOP3111`` to ``MOP3114``, ``MOP3116`` to ``MOP3128``.
    """
    publisher = policy.publisher_of(name)
    if publisher is not None:
        return _by_rule(name, checked, publisher=publisher, policy=policy, where=where)
    roots = tuple(root for root in checked.roots if not root.own)
    if not roots:
        raise _elsewhere(name, checked, where=where)
    signers = [_signer(root, checked) for root in roots]
    pin = pins.get(name)
    if pin is not None:
        return _by_pin(name, signers, pin=pin, where=where)
    pattern = imitated(name, policy.rules.publishers)
    if pattern is not None:
        raise _squatting(name, pattern, where=where, source=policy.where)
    return signers[0]


def accepted(name: str, *, policy: TrustPolicy, pins: Mapping[str, Pin]) -> str:
    """Say in one line which signer would be accepted for a name."""
    publisher = policy.publisher_of(name)
    if publisher is not None:
        return f"by the rule for {', '.join(publisher.plugins)}: {demands(publisher)}"
    if name in pins:
        return f"by the pin of the first install: {pins[name]}"
    return "no rule and no pin: the first signer under a root of the policy, who is then pinned"


def demands(publisher: Publisher) -> str:
    """Say in one line what a rule demands."""
    found = [f"root {publisher.root!r}", *(f"{label} {wanted}" for label, wanted in _shown_demands(publisher))]
    return ", ".join(found)


def _by_rule(name: str, checked: Checked, *, publisher: Publisher, policy: TrustPolicy, where: str) -> Signer:
    held = {root.name: root for root in checked.roots}
    rule = f"the rule for {', '.join(publisher.plugins)} in {policy.where}"
    for code, what, expected in _objections(checked, publisher, held, by_key=_is_key(policy, publisher.root)):
        raise refuse(
            code,
            f"{name!r} {what}",
            where=where,
            why=f"{rule} accepts only {expected!r}",
            fix="get the plugin from its publisher, or change the rule if the publisher did",
        )
    return _signer(held[publisher.root], checked)


def _objections(
    checked: Checked, publisher: Publisher, held: Mapping[str, Root], *, by_key: bool
) -> Iterator[tuple[Code, str, object]]:
    """Yield (code, what was found, what was demanded) of each demand of a rule that is not met, the first one first."""
    if publisher.root in held:
        yield from _unmet(_signer(held[publisher.root], checked), publisher)
    elif by_key and checked.key_hint:
        yield Code.KEY, f"is signed with the key {checked.key_hint!r}", publisher.root
    else:
        yield Code.ROOT, f"is signed under the root {', '.join(held)!r}", publisher.root


def _unmet(signer: Signer, publisher: Publisher) -> Iterator[tuple[Code, str, object]]:
    """Yield the demands on the signer itself, as `_objections` does."""
    comparisons: tuple[tuple[Code, str, str | None, str | None], ...] = (
        (Code.ISSUER, "vouched for by", signer.issuer, publisher.issuer),
        (Code.SIGNER, "signed by", signer.identity, publisher.identity),
        (Code.REPOSITORY, "built from the repository", signer.repository, publisher.repository),
        (Code.REPOSITORY_ID, "built from the repository number", signer.repository_id, publisher.repository_id),
        (Code.OWNER_ID, "built for the owner number", signer.owner_id, publisher.owner_id),
        (Code.WORKFLOW, "built by the workflow", signer.workflow, _workflow_path(publisher.workflow)),
        (Code.REF, "built from", signer.ref, publisher.ref),
    )
    for code, label, found, wanted in comparisons:
        if wanted is not None and found != wanted:
            yield code, f"is {label} {found!r}", wanted
    if publisher.ref_prefix is not None and not (signer.ref or "").startswith(publisher.ref_prefix):
        yield Code.REF, f"is built from {signer.ref!r}", f"{publisher.ref_prefix}*"
    if publisher.trigger is not None and signer.trigger not in publisher.trigger:
        yield Code.TRIGGER, f"is built because of {signer.trigger!r}", ", ".join(publisher.trigger)


def _workflow_path(workflow: str | None) -> str | None:
    """Return the path in the repository that a rule means by a workflow."""
    return workflow if workflow is None or "/" in workflow else f"{WORKFLOWS}{workflow}"


def _is_key(policy: TrustPolicy, name: str) -> bool:
    return any(root.keys for root in policy.rules.roots if root.name == name)


def _shown_demands(publisher: Publisher) -> Iterator[tuple[str, str]]:
    for label in ("issuer", "identity", "repository", "repository_id", "owner_id", "workflow", "ref", "ref_prefix"):
        wanted = getattr(publisher, label)
        if wanted is not None:
            yield label, repr(wanted)
    if publisher.trigger is not None:
        yield "trigger", " or ".join(map(repr, publisher.trigger))


def _by_pin(name: str, signers: list[Signer], *, pin: Pin, where: str) -> Signer:
    for signer in signers:
        if Pin.of(signer) == pin:
            return signer
    raise pinned.changed(name, Pin.of(signers[0]), pin=pin, where=where)


def _elsewhere(name: str, checked: Checked, *, where: str) -> Exception:
    return refuse(
        Code.KEY_ELSEWHERE,
        f"{name!r} is signed with the key {checked.key_hint!r}, which the policy trusts for other names only",
        where=where,
        why=f"its file stands in a publisher rule ({', '.join(root.name for root in checked.roots)})",
        fix=f"add {name} to the plugins of that rule, if the key's owner may publish it",
    )


def _squatting(name: str, pattern: str, *, where: str, source: str) -> Exception:
    return refuse(
        Code.SQUATTING,
        f"{name!r} looks like {pattern!r}, and does not belong to its publisher",
        where=where,
        why=f"the publisher rule for {pattern} in {source} owns the names that look like its own",
        fix=f"if the plugin is genuine, write a publisher rule for {name} itself",
    )


def _signer(root: Root, checked: Checked) -> Signer:
    return Signer(
        root=root.name,
        assurance=root.assurance,
        issuer=checked.issuer,
        identity=checked.identity,
        key_hint=checked.key_hint,
        claims=dict(checked.claims),
        signed_at=max(checked.times).isoformat() if checked.times else None,
    )
