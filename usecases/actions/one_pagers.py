"""Write the one-pager of a use case: by its owner or by risk."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from usecases import one_pager_standing, one_pagers, permissions
from usecases.models import OnePager, UseCase
from usecases.publishing import Refused


class Overtaken(Refused):
    """Somebody else has written it meanwhile. `row` is how it stands now; nothing of the caller's is lost."""

    def __init__(self, row: OnePager) -> None:
        super().__init__(
            f"{row.written_by or 'Somebody'} has written this one-pager meanwhile. "
            "Look at what changed, then save again."
        )
        self.row = row


@transaction.atomic
def write(
    *,
    use_case: UseCase,
    answers: Any,
    dpia: Any,
    by: User,
    reason: str = "",
    expected: str | None = None,
) -> OnePager:
    """Set all answers of a one-pager; what is not said is no longer answered. Writes nothing when nothing changes.

    `expected`: the token of what the edit is based on. Raises `Forbidden`, `Overtaken`, `Refused` with every fault.
    """
    permissions.check(by, "approve" if permissions.can(by, "approve", use_case) else "tune", use_case)
    return keep(
        use_case=use_case, given={"answers": answers, "dpia": dpia}, by=by, reason=reason, expected=expected
    )


def keep(
    *, use_case: UseCase, given: Any, by: User, reason: str = "", expected: str | None = None
) -> OnePager:
    """Write what was given; the caller has asked for the right, and holds the transaction."""
    sheet, faults = one_pagers.read(given)
    if faults:
        raise Refused("The one-pager cannot be saved as it stands.", faults)
    # Two first edits at once must not both find that there is none.
    locked = UseCase.objects.select_for_update().get(pk=use_case.pk)
    row = one_pager_standing.held(locked)
    if expected is not None and expected != one_pager_standing.token_of(row):
        raise Overtaken(row)
    old = one_pager_standing.sheet_of(row)
    if old == sheet:
        return row
    row.answers, row.dpia, row.written_by = sheet["answers"], sheet["dpia"], by.get_username()
    row.save()
    state = one_pagers.completeness(row.answers, row.dpia, locked.risk)
    log.record(
        kind="one_pager.written",
        sentence=f"One-pager: {one_pagers.listed(one_pagers.changed(old, sheet))} written; {state.told}.",
        by=by,
        use_case=locked.slug,
        reason=reason.strip(),
        old=_apart(old, sheet),
        new=_apart(sheet, old),
    )
    return row


def _apart(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of one sheet that the other has otherwise."""
    return {
        part: {key: value for key, value in one[part].items() if other[part].get(key) != value}
        for part in one_pagers.PARTS
    }
