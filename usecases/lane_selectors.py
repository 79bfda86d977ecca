"""Shared lanes as one person may see them: all for who may set them, else those that hold where they may look."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404

from usecases import permissions
from usecases.actions.lanes import may_set
from usecases.models import Guardrail, Lane, UseCase


@dataclass(frozen=True, slots=True)
class Shown:
    """A lane, the use cases on which the viewer sees it hold, and how many more there are (told to who may set it)."""

    lane: Lane
    used_by: tuple[UseCase, ...]
    hidden: int

    @property
    def uses(self) -> int:
        return len(self.used_by) + self.hidden


def shown(by: Any, q: str = "") -> list[Shown]:
    """Return the lanes that a person may see, by name. `q`: only those whose name, slug or description says this."""
    seen = {row.pk: row for row in permissions.visible(by)}
    naming: dict[str, list[int]] = {}
    for owner, slugs in Guardrail.objects.exclude(lanes=[]).values_list("use_case_id", "lanes"):
        for slug in slugs:
            naming.setdefault(slug, []).append(owner)
    rows = Lane.objects.order_by("name", "slug")
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(slug__icontains=q) | Q(description__icontains=q))
    if not may_set(by):
        mine = [slug for slug, owners in naming.items() if any(owner in seen for owner in owners)]
        rows = rows.filter(slug__in=mine)
    return [_shown(row, naming.get(row.slug, []), seen, all_told=may_set(by)) for row in rows]


def _shown(row: Lane, owners: list[int], seen: dict[int, UseCase], *, all_told: bool) -> Shown:
    used = sorted((seen[owner] for owner in owners if owner in seen), key=lambda one: one.name)
    return Shown(row, tuple(used), len(owners) - len(used) if all_told else 0)


def found(by: Any, slug: str) -> Shown:
    """Return one lane; `Http404` also for who may see no use case where it holds."""
    for one in shown(by):
        if one.lane.slug == slug:
            return one
    raise Http404(f"There is no lane “{slug}”.")
