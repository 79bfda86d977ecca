"""Pages of one use case. Every view parses, acts and renders; the frame around them is made here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, reverse

from routing.engine import states
from routing.models import State
from usecases import leaving, overriding, permissions, selectors
from usecases.models import UseCase

TABS = (
    ("overview", "Overview"),
    ("tune", "Tune"),
    ("models", "Models"),
    ("escalation", "Escalation"),
    ("promise", "Promise"),
    ("changes", "Changes"),
    ("decisions", "Decisions"),
    ("assistants-of", "Assistants"),
    ("guardrails", "Guardrails"),
)
# About the use case, not about its knobs: at the end of the row, apart from the tabs. With the right that each takes.
ASIDE = (
    ("one-pager", "One-pager", "view"),
    ("access", "Access", "view"),
    ("use-case-settings", "Settings", "tune"),
)


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above every page of a use case in a safe state."""

    headline: str
    effect: str
    message: str


def use_case_for(request: HttpRequest, slug: str, verb: str = "view") -> UseCase:
    """Return the use case of an address. `Http404` for strangers, `Forbidden` without the right for `verb`."""
    use_case = UseCase.objects.filter(slug=slug).first()
    if use_case is None:
        raise Http404(f"There is no use case “{slug}”.")
    if request.user.is_authenticated:
        permissions.read_once(request.user)
    permissions.check(request.user, verb, use_case)
    return use_case


def frame(request: HttpRequest, use_case: UseCase, tab: str) -> dict[str, Any]:
    """Return the context of head, banner and tabs around one use case's page."""
    standing = selectors.standings([use_case])[0]
    assert isinstance(request.user, User)
    may = {verb: permissions.can(request.user, verb, use_case) for verb in permissions.WORDS}
    return {
        "use_case": use_case,
        "standing": standing,
        "version": standing.version,
        "delivery": standing.delivery,
        "may": may,
        "tab": tab,
        "tabs": _tabs(use_case, TABS),
        "asides": _tabs(use_case, [pair for *pair, verb in ASIDE if may[verb]]),
        "banner": banner(standing) if standing.safe else None,
        "override": overriding.in_force(use_case),
        "own_message": standing.version.message,
        "way": leaving.way(use_case, standing.version) if standing.safe else None,
    }


def _tabs(use_case: UseCase, pages: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    found = []
    for name, label in pages:
        try:
            found.append({"name": name, "label": label, "url": reverse(name, args=[use_case.slug])})
        except NoReverseMatch:
            continue
    return found


def banner(standing: selectors.Standing) -> Banner:
    """Say whether everybody obeys, what happens to requests now, and what customers read."""
    version = standing.version
    enforced = states.effective(version.document, version.baseline, version.state, version.message)
    return Banner(headline(standing), effect(enforced), customers_read(enforced))


def headline(standing: selectors.Standing) -> str:
    """Count the confirmations: how long the last took, or who is still missing."""
    delivery, what = standing.delivery, _what(standing)
    if not delivery.expected:
        return f"No assistant is connected. Each gets {what} the moment it connects."
    if not delivery.complete:
        names = ", ".join(held.instance for held in delivery.laggards[:3])
        more = f" and {len(delivery.laggards) - 3} more" if len(delivery.laggards) > 3 else ""
        counted = f"{delivery.confirmed} of {delivery.expected} confirmed {what}"
        return f"{counted}, {_span(delivery.waited)}; waiting for {names}{more}."
    number = f"All {delivery.expected} assistants" if delivery.expected > 1 else "The one running assistant"
    took = f" {delivery.seconds:.2f} s after the switch" if delivery.seconds is not None else ""
    hushed = f" Silent since: {delivery.silent_names}." if delivery.silent else ""
    return f"{number} confirmed {what}{took}.{hushed}"


def _what(standing: selectors.Standing) -> str:
    if standing.version.kind == "message":
        return "the new message"
    return "the baseline" if standing.version.state == State.BASELINE else "that people review everything"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def effect(enforced: dict[str, Any]) -> str:
    """Say what happens to a request without a confidence: the lowest band decides."""
    lowest = min(enforced["bands"], key=lambda band: band["from"])
    desk = f"the desk “{lowest['queue']}”" if lowest.get("queue") else "a person"
    if lowest["action"] == "answer":
        return "Every request gets the curated answer."
    if any(band["action"] == "review" for band in enforced["bands"]) and len(enforced["bands"]) > 1:
        return "Assistants draft; a person reviews every answer before it is sent."
    return f"Every request goes to {desk}."


def customers_read(enforced: dict[str, Any]) -> str:
    """Return the text that a customer reads instead of a model's answer; empty where there is none."""
    actions = [band["action"] for band in sorted(enforced["bands"], key=lambda band: band["from"])]
    messages = enforced.get("messages") or {}
    order = ["review", *actions] if "review" in actions else actions
    return next((messages[action] for action in order if messages.get(action)), "")
