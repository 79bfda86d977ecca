"""The kill switch. Needs PostgreSQL and nothing else: the request that takes the click publishes."""

from django.contrib.auth.models import User
from django.db import transaction

from routing.models import State
from routing.runtime.masking import storable
from usecases import judging, leaving, permissions
from usecases.checks import SETTINGS
from usecases.models import UseCase, Version
from usecases.publishing import (
    Content,
    NeedsApproval,
    Refused,
    Stale,
    Story,
    latest,
    lock,
    lock_with_limits,
    publish,
)
from usecases.subjects import NEEDS

MESSAGE_LIMIT = 2000
EVENTS = {"baseline": "kill_switch.engaged", "review_all": "kill_switch.review_all"}
KINDS = {"baseline": "kill", "review_all": "review_all"}
SENTENCES = {
    "baseline": "Sent to baseline: every request gets the baseline answer.",
    "review_all": "Every answer is now reviewed by a person.",
}


@transaction.atomic
def engage(
    *, use_case: UseCase, by: User, to: str = State.BASELINE, reason: str = "", message: str | None = None
) -> Version:
    """Send a use case to a safe state; returns the version that says so, the standing one if nothing changes.

    From baseline, `review_all` is half the way back: the models draft again and people look at everything.
    Raises `Forbidden`, `Http404` for a stranger, `Refused` for an unknown step, or as `restore` for the way back.
    """
    permissions.check(by, "kill", use_case)
    _check_step(to)
    # Stopping waits for nobody who sets limits; only half the way back is judged by them.
    held = lock(use_case) if to == State.BASELINE else lock_with_limits(use_case)
    return _engage(held, by=by, to=to, reason=reason, message=_clean(message))


def _engage(use_case: UseCase, *, by: User, to: str, reason: str, message: str | None) -> Version:
    live = latest(use_case)
    if live.state == State.BASELINE and to == State.REVIEW_ALL:
        _refuse_shut(use_case, live, to)  # half way back towards live: its answers are drafted again
        _check_approvals(use_case, by, "review everything again")
    return _switch(use_case, live, by=by, to=to, reason=reason, message=message)


def _switch(
    use_case: UseCase, live: Version, *, by: User, to: str, reason: str, message: str | None
) -> Version:
    text = live.message if message is None else message
    content = Content(to, live.document, live.baseline, text)
    if content.same_as(Content.of(live)):
        return live
    story = Story(
        kind=KINDS[to],
        event=EVENTS[to],
        sentence=SENTENCES[to],
        reason=_said(reason),
        returns_to=_live_number(live),
        old={"state": live.state, "message": live.message},
        new={"state": to, "message": text},
    )
    return publish(use_case=use_case, content=content, story=story, by=by, number=live.number + 1)


@transaction.atomic
def engage_all(
    *, by: User, to: str = State.BASELINE, reason: str = "", message: str | None = None
) -> list[Version]:
    """Send every use case that a person may stop to a safe state, all at one commit.

    Those already there stay as they are. Raises `Forbidden` where the person may stop none.
    """
    _check_step(to)
    text = _clean(message)
    # Locked in one order everywhere: two people pressing at once must not wait for each other for ever.
    mine = permissions.visible(by, "kill").order_by("pk").values_list("pk", flat=True)
    locked = list(UseCase.objects.select_for_update().filter(pk__in=list(mine)).order_by("pk"))
    if not locked:
        raise permissions.Forbidden("You may not stop any use case. An admin can give you that right.")
    versions = []
    for use_case in locked:
        safer = to == State.REVIEW_ALL and latest(use_case).state == State.BASELINE
        versions.append(
            latest(use_case) if safer else _engage(use_case, by=by, to=to, reason=reason, message=text)
        )
    return versions


@transaction.atomic
def edit_message(*, use_case: UseCase, message: str, by: User, reason: str = "") -> Version:
    """Change what customers read while the use case is on baseline."""
    permissions.check(by, "kill", use_case)
    live = latest(lock(use_case))
    text = _clean(message) or ""
    content = Content(live.state, live.document, live.baseline, text)
    if content.same_as(Content.of(live)):
        return live
    shown = f"“{text}”" if text else "the baseline's own words"
    story = Story(
        kind="message",
        event="kill_switch.message_edited",
        sentence=f"Customers on baseline now read {shown}.",
        reason=_said(reason),
        returns_to=live.returns_to,
        old={"message": live.message},
        new={"message": text},
    )
    return publish(use_case=use_case, content=content, story=story, by=by, number=live.number + 1)


@transaction.atomic
def restore(*, use_case: UseCase, by: User, reason: str = "", expected_version: int | None = None) -> Version:
    """Bring a use case back from a safe state to its document; the standing version if it is live already.

    What customers read goes back as well: words for one incident must not greet customers in the next.

    Raises `Stale` when somebody published since `expected_version`, `Refused` when risk has tightened the guardrails
    past that document meanwhile, `NeedsApproval` where leaving a safe state takes a change that others approve.
    """
    permissions.check(by, "kill", use_case)
    use_case = lock_with_limits(use_case)
    standing = latest(use_case)
    if expected_version is not None and expected_version != standing.number:
        raise Stale(standing)
    if standing.state == State.LIVE:
        return standing
    _refuse_shut(use_case, standing, State.LIVE)
    _check_approvals(use_case, by, "restore it")
    return _restore(use_case, standing, by=by, reason=reason)


def leave(*, use_case: UseCase, standing: Version, to: str, by: User, reason: str) -> Version:
    """Leave a safe state by a change that was approved; the caller has judged it, and holds lock and transaction."""
    if to == State.REVIEW_ALL:
        return _switch(use_case, standing, by=by, to=to, reason=reason, message=None)
    return _restore(use_case, standing, by=by, reason=reason)


def _restore(use_case: UseCase, standing: Version, *, by: User, reason: str) -> Version:
    back_to = _live_number(standing)
    story = Story(
        kind="restore",
        event="kill_switch.restored",
        sentence=f"Restored: assistants answer as in r{back_to} again.",
        reason=_said(reason),
        returns_to=back_to,
        old={"state": standing.state},
        new={"state": State.LIVE},
    )
    content = Content(State.LIVE, standing.document, standing.baseline, _usual_message(use_case, standing))
    return publish(use_case=use_case, content=content, story=story, by=by, number=standing.number + 1)


def _usual_message(use_case: UseCase, standing: Version) -> str:
    """Return the message of the last version that was live."""
    live = Version.objects.filter(use_case=use_case, state=State.LIVE).order_by("-number").first()
    return live.message if live else standing.message


def _live_number(version: Version) -> int:
    """Return the number of the version whose document would be live."""
    return version.number if version.state == State.LIVE else version.returns_to or version.number


def _check_step(to: str) -> None:
    if to not in EVENTS:
        words = "Say “baseline” or “review_all”."
        raise Refused(f"There is no step “{to}”. {words}", [{"path": "to", "message": words}])


def _clean(message: str | None) -> str | None:
    text = None if message is None else _said(message)
    if text is not None and len(text) > MESSAGE_LIMIT:
        words = f"The message has {len(text)} characters; customers can be shown {MESSAGE_LIMIT} at most."
        raise Refused(words, [{"path": "message", "message": words}])
    return text


def _said(words: str) -> str:
    """Return words without what no database holds: a character must never keep a switch from being thrown."""
    return storable(words).strip()


def _check_approvals(use_case: UseCase, by: User, what: str) -> None:
    """Refuse to leave a safe state alone where guardrails want others to agree. Stopping never comes here."""
    if needed := leaving.approvals(use_case, by):
        words = f"To {what} takes {needed} approval{'s' * (needed != 1)}: submit it as a change."
        raise NeedsApproval(words, [{"path": "approvals_to_restore", "message": words}])


def _refuse_shut(use_case: UseCase, standing: Version, to: str) -> None:
    """Refuse to leave a safe state for what stands in the way, all of it told. Stopping never comes here."""
    found = judging.way_back(use_case, standing, to)
    errors = [{"path": gate.path, "message": gate.message} for gate in found.judged if gate.status == "shut"]
    words = (
        ["Risk has set limits that this document no longer keeps. Apply a change first."] if errors else []
    )
    for one in found.open:
        # Settings are told one by one above; approvals are asked for as a change.
        if one.status != NEEDS and one.key not in SETTINGS:
            told = f"{one.name}. {one.evidence} {one.clear}".strip()
            words.append(told)
            errors.append({"path": one.key, "message": told})
    if errors:
        raise Refused(" ".join(["It stays on its safe state.", *words]), errors, found.checks)
