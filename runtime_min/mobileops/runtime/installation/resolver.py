"""Choose one version of each plugin, so that everything that any of them needs is there.

Preferred is, in this order: what a file that was named contains; what is installed, unless it was asked for; the newest
version that runs on this device, a release before a pre-release. Never chosen is a version that was yanked, unless
exactly it was asked for; a lower version than the installed one, unless exactly that was asked for; anything but the
installed version of a plugin that is held. What was installed with all it needs keeps all it needs.

The search is resolvelib's, with backtracking; it is imported only when the first choice does not fit what is installed.
"""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mobileops.errors import HostFault
from mobileops.runtime.installation import conflicts
from mobileops.runtime.installation.conflicts import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mobileops.manifest import Version, VersionRange
    from mobileops.runtime.installation.device import Device
    from mobileops.runtime.installation.offers import Offers
    from mobileops.runtime.repository.document import Candidate


class Wish(NamedTuple):
    """What somebody asked for.

    Attributes:
        name: of the plugin.
        versions: that will do; None for any.
        exactly: one version and no other.
        given: the content of a file that was named.
    """

    name: str
    versions: VersionRange | None = None
    exactly: Version | None = None
    given: Candidate | None = None


class Installed(NamedTuple):
    """An installed plugin.

    Attributes:
        candidate: as an offer.
        held: whether it stays at its version.
    """

    candidate: Candidate
    held: bool


class Resolver:
    """Answers for one device, one moment.

    Args:
        offers: which versions there are.
        installed: what is installed, by name.
        device: what plugins are chosen for.
    """

    def __init__(self, offers: Offers, installed: Mapping[str, Installed], device: Device) -> None:
        self._offers = offers
        self._installed = installed
        self._device = device

    def resolve(self, wishes: Sequence[Wish]) -> list[Candidate]:
        """Return what has to be installed, each after what it needs; [] if everything is there.

        Raises:
            NotFoundError: ``MOP6040``, there is no version that would do.
            PluginError: ``MOP6041``, what is needed contradicts itself.
            HostFault: ``MOP6042``, the optional dependency is missing.
        """
        asked = {wish.name: wish for wish in wishes}
        chosen = self._at_once(asked) or self._search(asked)
        new = {name: one for name, one in chosen.items() if not self._is_installed(one)}
        graph = {name: sorted(one.plugin_dependencies.keys() & new.keys()) for name, one in sorted(new.items())}
        try:
            order = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError:  # starting them is refused, with the circle; installing is not starting
            order = sorted(new)
        return [new[name] for name in order]

    def choices(self, name: str, wish: Wish | None) -> Iterator[Candidate]:
        """Yield the versions of a plugin that may be chosen, the best first."""
        if wish is not None and wish.given is not None:
            yield wish.given
            return
        installed = self._installed.get(name)
        if installed is not None and (wish is None or installed.held):
            yield installed.candidate
            if installed.held:
                return
        offered = [one for one in self._offers.versions(name) if self._may_be_chosen(one, wish, installed)]
        there = [] if installed is None or wish is None else [installed.candidate]
        for one in sorted([*there, *offered], key=_rank, reverse=True):
            if wish is None or wish.exactly in {None, one.version}:
                yield one

    def newer(self, wish: Wish) -> Iterator[Candidate]:
        """Yield what could be chosen if a plugin were not held, the best first."""
        there = self._installed.get(wish.name)
        free = dict(self._installed)
        if there is not None:
            free[wish.name] = there._replace(held=False)
        yield from Resolver(self._offers, free, self._device).choices(wish.name, wish)

    def objections(self, name: str) -> list[str]:
        """Return why the versions of a plugin are not chosen that are not, newest first."""
        found = []
        for one in self._offers.versions(name):
            why = f"was yanked: {one.yanked}" if one.yanked is not None else self._device.objection(one)
            if why is not None:
                found.append(f"{one.name} {one.version} {why}")
        installed = self._installed.get(name)
        if installed is not None and installed.held:
            found.append(f"{name} is held at {installed.candidate.version} (mobileops unpin {name})")
        return found

    def available(self, name: str) -> list[str]:
        """Return the versions of a plugin, newest first."""
        there = self._installed.get(name)
        versions = {one.version for one in self._offers.versions(name)}
        return [str(one) for one in sorted(versions | ({there.candidate.version} if there else set()), reverse=True)]

    def _may_be_chosen(self, one: Candidate, wish: Wish | None, installed: Installed | None) -> bool:
        exactly = wish is not None and wish.exactly == one.version
        lower = installed is not None and one.version < installed.candidate.version
        same = installed is not None and one.version == installed.candidate.version
        return self._device.objection(one) is None and not same and (exactly or (one.yanked is None and not lower))

    def _is_installed(self, one: Candidate) -> bool:
        installed = self._installed.get(one.name)
        return installed is not None and installed.candidate is one

    def _at_once(self, asked: Mapping[str, Wish]) -> dict[str, Candidate] | None:
        """Take the best of each that was asked for, if that meets every need with what is installed."""
        chosen: dict[str, Candidate] = {}
        for name, wish in asked.items():
            best = next((one for one in self.choices(name, wish) if _will_do(one, wish.versions)), None)
            if best is None:
                return None
            chosen[name] = best
        after = {name: one.candidate for name, one in self._installed.items()} | chosen
        kept = [one for name, one in after.items() if name in chosen or self._is_whole(one)]
        return chosen if all(_is_met(one, after) for one in kept) else None

    def _is_whole(self, one: Candidate) -> bool:
        """Whether an installed plugin has what it needs now; one that has not is not made worse."""
        return _is_met(one, {name: there.candidate for name, there in self._installed.items()})

    def _search(self, asked: Mapping[str, Wish]) -> dict[str, Candidate]:
        try:
            import resolvelib  # noqa: PLC0415  optional, and rarely needed
        except ModuleNotFoundError as error:
            raise HostFault(
                "what the plugins need cannot be resolved: the package 'resolvelib' is missing",
                code="MOP6042",
                why="it is in the extra 'repository' of the runtime",
                fix="pip install 'mobileops-runtime[repository]', or install what is needed one by one",
            ) from error
        kept = [
            Need(name, None, None)
            for name, one in sorted(self._installed.items())
            if name not in asked and self._is_whole(one.candidate)
        ]
        wanted = [Need(wish.name, wish.versions, None, asked=True, exactly=wish.exactly) for wish in asked.values()]
        provider: Any = _Provider(self, asked)
        try:
            result = resolvelib.Resolver(provider, resolvelib.BaseReporter()).resolve([*wanted, *kept])
        except resolvelib.ResolutionImpossible as error:
            causes = [(cause.requirement, cause.parent) for cause in error.causes]
            raise conflicts.explain(causes, available=self.available, objections=self.objections) from error
        return cast("dict[str, Candidate]", dict(result.mapping))


class _Provider:
    """What resolvelib asks; its `AbstractProvider`, which is not imported with this module."""

    def __init__(self, resolver: Resolver, asked: Mapping[str, Wish]) -> None:
        self._resolver = resolver
        self._asked = asked

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, **_: object) -> tuple[bool, str]:
        return identifier not in self._asked, identifier

    def narrow_requirement_selection(self, identifiers: Iterable[str], **_: object) -> Iterable[str]:
        return identifiers

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Callable[[], Iterator[Candidate]]:
        needs, wrong = list(requirements[identifier]), list(incompatibilities[identifier])

        def found() -> Iterator[Candidate]:
            for one in self._resolver.choices(identifier, self._asked.get(identifier)):
                if one not in wrong and all(_will_do(one, need.versions) for need in needs):
                    yield one

        return found

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        return _will_do(candidate, requirement.versions)

    def get_dependencies(self, candidate: Candidate) -> list[Need]:
        return [Need(name, versions, candidate) for name, versions in sorted(candidate.plugin_dependencies.items())]


def _rank(one: Candidate) -> tuple[bool, Version]:
    return not one.version.prerelease, one.version


def _will_do(one: Candidate, versions: VersionRange | None) -> bool:
    return versions is None or versions.contains(one.version)


def _is_met(one: Candidate, there: Mapping[str, Candidate]) -> bool:
    return all(
        name in there and versions.contains(there[name].version) for name, versions in one.plugin_dependencies.items()
    )
