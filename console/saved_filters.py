"""Filters of the Audit page that people keep for themselves. The record does not tell of them: they change nothing."""

from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict

from console.models import SavedFilter
from usecases.publishing import Refused
from usecases.record import Wish

MOST, LONGEST = 50, 80


@transaction.atomic
def save(*, by: User, name: str, query: str) -> SavedFilter:
    """Keep a filter under a name; the same name again means this filter from now on.

    Raises `Refused` for a name that nobody could read, a filter that filters nothing, and one too many.
    """
    name, wish = _checked(name), Wish.of(QueryDict(query))
    if not wish:
        raise Refused("Choose something to filter by first; everything needs no name.")
    User.objects.select_for_update().get(pk=by.pk)  # two at once would both be the last that fits
    known = SavedFilter.objects.filter(user=by, name=name).first()
    if known is None:
        if SavedFilter.objects.filter(user=by).count() >= MOST:
            raise Refused(f"You keep {MOST} filters already. Delete one first.")
        return SavedFilter.objects.create(user=by, name=name, query=wish.query)
    if known.query != wish.query:
        known.query = wish.query
        known.save()
    return known


@transaction.atomic
def rename(*, row: SavedFilter, by: User, name: str) -> SavedFilter:
    """Call a filter something else. Raises `Refused` for a name that is taken."""
    row = _own(row, by)
    name = _checked(name)
    if row.name == name:
        return row
    if SavedFilter.objects.filter(user=by, name=name).exists():
        raise Refused(f"You have a filter named “{name}” already.")
    row.name = name
    row.save()
    return row


@transaction.atomic
def delete(*, row: SavedFilter, by: User) -> None:
    """Keep a filter no longer."""
    _own(row, by).delete()


def _own(row: SavedFilter, by: User) -> SavedFilter:
    return SavedFilter.objects.select_for_update().get(pk=row.pk, user=by)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Refused(f"Give it a name of 1 to {LONGEST} characters.")
    return name
