"""What the check of a pack came to, for people."""

from collections.abc import Iterator

from audit.pack.verification import Report


def lines(report: Report) -> Iterator[str]:
    """Return the lines to print."""
    if not report.verified:
        count = len(report.faults)
        yield f"REFUSED: {count} fault{'s' * (count != 1)}"
        yield from (f"  {fault.file or 'the pack'}: {fault.reason}" for fault in report.faults)
    else:
        yield from _verified(report)
    yield from (f"  note: {note}" for note in report.notes)
    if not report.pinned:
        yield "  the key came with the pack, and anybody can make one: compare it with the installation's own"


def _verified(report: Report) -> Iterator[str]:
    said = report.manifest
    counts, period = said["counts"], said["period"]
    yield f"verified: evidence of “{said['use_case']['slug']}” from {period['since']} until {period['until']}"
    told = ", ".join(
        f"{counts[name]} {name}"
        for name in ("events", "versions", "changes", "approvals", "overrides", "kills")
    )
    yield f"  {told}"
    if said["record"]["last"]:
        covered = f"events {said['record']['first']} to {said['record']['last']} of the record"
        yield f"  {covered}, {counts['links']} links, under {counts['checkpoints']} signed checkpoints"
    yield f"  made {said['made']['at']} by {said['made']['by']}, signed with {said['key_id']}"
