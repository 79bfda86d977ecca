"""Who calls: `person` (a person's token acts as that person), `assistant`, or `anyone` with a valid token.

Views find the grant in `request.auth`; for a person also the user in `request.user`, as on pages.
"""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from console import second_factor, tokens
from console.tokens import Grant
from usecases import permissions
from usecases.models import UseCase


class Bearer(HttpBearer):
    """A valid token of one of these kinds."""

    def __init__(self, *, people: bool, assistants: bool, reading_suffices: bool = False) -> None:
        super().__init__()
        self._reading_suffices = reading_suffices
        self._people = people
        self._assistants = assistants

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the grant; None answers 401, a token of the wrong kind 403."""
        grant = tokens.check(token.strip())
        if grant is None:
            return None
        if grant.is_assistant and not self._assistants:
            raise HttpError(403, "This is for people; an assistant's token cannot do it.")
        if grant.user_id is not None:
            if not self._people:
                raise HttpError(403, "This is for assistants; a person's token cannot do it.")
            if grant.reads_only and request.method not in ("GET", "HEAD") and not self._reading_suffices:
                raise HttpError(403, "This token may only read; make one that may do what you may.")
            request.user = User.objects.get(pk=grant.user_id)
            if not request.user.is_active:
                return None
            if second_factor.missing_by_token(request.user):
                raise HttpError(403, "Set up a second factor first, on your account's page.")
        return grant


person = Bearer(people=True, assistants=False)
assistant = Bearer(people=False, assistants=True)
anyone = Bearer(people=True, assistants=True)
bearer_itself = Bearer(people=True, assistants=True, reading_suffices=True)


def user_of(request: HttpRequest) -> User:
    """Return the person behind a request that `person` has let in."""
    assert isinstance(request.user, User)
    return request.user


def check_scope(request: HttpRequest, slug: str, verb: str = "view") -> None:
    """Refuse unless the caller may deal with a use case: an assistant by its token, a person by right."""
    grant: Grant = request.auth  # type: ignore[attr-defined]
    if grant.is_assistant:
        if slug not in grant.use_cases:
            raise HttpError(403, f"This token may not serve “{slug}”.")
        return
    use_case = UseCase.objects.filter(slug=slug).first()
    if use_case is None:
        raise Http404(f"There is no use case “{slug}”.")
    permissions.check(request.user, verb, use_case)


def scope(request: HttpRequest, verb: str) -> frozenset[str]:
    """Return the use cases that the caller may deal with."""
    grant: Grant = request.auth  # type: ignore[attr-defined]
    if grant.is_assistant:
        return grant.use_cases
    return frozenset(permissions.visible(request.user, verb).values_list("slug", flat=True))
