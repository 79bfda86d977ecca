"""The one way a version comes to be: version, target and audit event in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from audit import log
from routing.actions import targets
from routing.engine.digest import digest
from routing.engine.validation import Fault, InvalidDocument
from usecases.models import Guardrail, UseCase, Version

if TYPE_CHECKING:
    from usecases.subjects import Check


class Stale(Exception):
    """Somebody else published meanwhile. `live` is the version that is live now; nothing of the caller's is lost."""

    def __init__(self, live: Version) -> None:
        super().__init__(
            f"{live.created_by} published r{live.number} meanwhile ({live.sentence}). "
            "Look at what changed, then apply again."
        )
        self.live = live


class Refused(Exception):
    """A change that the rules do not allow. `errors`: where and what, each with what would be right.

    `checks`: every gate that it met, where it was refused by gates; those that passed too.
    """

    def __init__(
        self, message: str, errors: list[dict[str, str]] | None = None, checks: "Sequence[Check]" = ()
    ) -> None:
        super().__init__(message)
        self.errors = errors or []
        self.checks = tuple(checks)


class NeedsApproval(Refused):
    """Allowed, but not to one person alone: it has to be submitted as a change, and approved by others."""


class Unfit(InvalidDocument):
    """A document with faults. `checks`: every gate that it met besides."""

    def __init__(self, faults: list[Fault], checks: "Sequence[Check]") -> None:
        super().__init__(faults)
        self.checks = tuple(checks)


@dataclass(frozen=True, slots=True)
class Content:
    """All that assistants are told of a use case."""

    state: str
    document: dict[str, Any]
    baseline: dict[str, Any]
    message: str = ""

    @classmethod
    def of(cls, version: Version) -> "Content":
        return cls(version.state, version.document, version.baseline, version.message)

    def same_as(self, other: "Content") -> bool:
        """Compare by content: key order and number spelling do not count."""
        return self.digest() == other.digest()

    def digest(self) -> str:
        """Return the digest of all of it, the document included that a safe state does not enforce now."""
        return digest([self.state, self.document, self.baseline, self.message])


@dataclass(frozen=True, slots=True)
class Story:
    """How a publication reads in the record."""

    kind: str
    event: str
    sentence: str
    reason: str = ""
    returns_to: int | None = None
    old: Any = None
    new: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


def lock(use_case: UseCase) -> UseCase:
    """Lock a use case's row: publications of one use case go one after the other."""
    return UseCase.objects.select_for_update().get(pk=use_case.pk)


def lock_with_limits(use_case: UseCase) -> UseCase:
    """Lock a use case and its guardrails: a limit that is set meanwhile counts before or after, never in between."""
    locked = lock(use_case)
    locked.guardrail = Guardrail.objects.select_for_update().get(use_case=locked)
    return locked


def latest(use_case: UseCase) -> Version:
    """Return the newest version."""
    return Version.objects.filter(use_case=use_case).order_by("-number")[0]


def versions_at(places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Version]:
    """Return versions of several use cases by key of the use case and number, read at once."""
    wanted = Q()
    for owner, number in places:
        wanted |= Q(use_case=owner, number=number)
    rows = Version.objects.filter(wanted) if wanted else ()
    return {(version.use_case_id, version.number): version for version in rows}


def newest_of(use_cases: Iterable[int]) -> dict[int, Version]:
    """Return the newest versions of several use cases by their keys, read at once."""
    rows = Version.objects.filter(use_case__in=list(use_cases)).order_by("use_case_id", "-number")
    return {version.use_case_id: version for version in rows.distinct("use_case_id")}


def publish(*, use_case: UseCase, content: Content, story: Story, by: log.Person, number: int) -> Version:
    """Write version, target and event; the caller holds the lock and the transaction.

    The event seals the digest of all that is published: what changed alone would leave the rest to be rewritten.
    """
    target = targets.publish(
        use_case=use_case.slug,
        version=number,
        state=content.state,
        document=content.document,
        baseline=content.baseline,
        message=content.message,
    )
    version = Version.objects.create(
        use_case=use_case,
        number=number,
        kind=story.kind,
        state=content.state,
        digest=target.digest,
        document=content.document,
        baseline=content.baseline,
        message=content.message,
        sentence=story.sentence,
        reason=story.reason,
        returns_to=story.returns_to,
        created_by=by.get_username(),
    )
    log.record(
        kind=story.event,
        sentence=story.sentence,
        by=by,
        use_case=use_case.slug,
        version=number,
        reason=story.reason,
        old=story.old,
        new={**(story.new or {}), "content": content.digest()},
    )
    targets.follow_up(use_case=use_case.slug, version=number)
    return version
