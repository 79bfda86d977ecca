"""Evidence packs: what happened to one use case in a period, gathered, summarised, proved and signed.

A pack is made from one snapshot of the database, so that tables and record agree, and only of events that a signed
checkpoint covers: one is made first. Nobody waits for it: it takes no locks.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Final

from django.db import connection, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from audit import checkpoints, pack
from audit.keys import audit_key
from audit.models import Event
from audit.pack import segment
from audit.pack.writing import Writer
from audit.verify import key_id, public_key_text
from usecases import evidence_files as files
from usecases import evidence_grounds as grounds
from usecases import evidence_mapping, evidence_summary
from usecases.evidence_files import Json, Period
from usecases.models import UseCase
from usecases.publishing import Refused

TRIES: Final = 12
LONGEST: Final = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that was made: the open file, at its beginning, and what its manifest says."""

    file: IO[bytes]
    manifest: Json
    digest: str
    period: Period

    @property
    def filename(self) -> str:
        """What to call it: use case and days."""
        since, until = self.period.since, self.period.until
        return f"evidence-{self.period.slug}-{since:%Y%m%d}-{until:%Y%m%d}.zip"


def period_of(use_case: UseCase, since: datetime, until: datetime) -> Period:
    """Return a period that a pack can be made of; it ends now at the latest. Raises `Refused` with each fault."""
    now, errors = timezone.now(), []
    if since >= until:
        errors.append({"path": "until", "message": "The period has to end after it begins."})
    elif until - since > LONGEST:
        errors.append({"path": "since", "message": "A pack covers five years at most."})
    if since > now:
        errors.append({"path": "since", "message": "The period has not begun yet."})
    if errors:
        raise Refused(" ".join(error["message"] for error in errors), errors)
    return Period(use_case, since, min(until, now))


def make(period: Period, by: str) -> Made:
    """Make a pack. Raises `Refused` where the record is not the one signed last, or the period is too long."""
    for attempt in range(TRIES):
        try:
            checkpoints.make()
            with _snapshot():
                return _made(period, by)
        except segment.NotCovered:
            # Somebody else signs at this moment, or an event was committed since: both are over soon.
            time.sleep(0.05 * (attempt + 1))
        except checkpoints.RecordChanged as changed:
            raise Refused(f"No evidence is made of a record that was tampered with: {changed}.") from changed
        except segment.TooLong as long:
            words = f"The record of this period is too long for one pack: {long}. Choose a shorter one."
            raise Refused(words, [{"path": "since", "message": words}]) from long
    raise Refused("The record could not be signed up to the period's end. Try again in a minute.")


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read everything as of one moment; inside somebody else's transaction, as that one reads."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _made(period: Period, by: str) -> Made:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever sends it closes it)
    try:
        with Writer(file) as zipped:
            told = _write_tables(zipped, period)
            events = segment.events_of(period.slug, period.since, period.until)
            covering = segment.covering(events)
            earlier = segment.earlier_than(period.slug, period.since, _referred_to(period, told))
            counts = told.counts | segment.write(zipped, covering, events, earlier)
            record = {"first": covering.first, "last": covering.last}
            kinds = grounds.kinds(period.slug, period.since, period.until)
            _write_words(zipped, period, evidence_summary.context(period, told, counts, record, kinds))
            about = _about(period, by, counts, record)
            manifest, digest = zipped.close(about, audit_key())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Made(file, manifest, digest, period)


def _about(period: Period, by: str, counts: dict[str, int], record: dict[str, int]) -> Json:
    use_case = period.use_case
    return {
        "use_case": {"slug": use_case.slug, "name": use_case.name, "owner": use_case.owner},
        "period": period.as_json(),
        "made": {"at": files.moment(timezone.now()), "by": by},
        "counts": counts,
        "record": record,
    }


# Tables --------------------------------------------------------------------------------------------------------------


def _write_tables(zipped: Writer, period: Period) -> evidence_summary.Told:
    """Write what stands in the tables; return it as far as the summary tells of it."""
    versions = list(_versions(zipped, period))
    changes = list(_changes(zipped, period))
    told = evidence_summary.Told(
        versions=versions,
        changes=changes,
        kills=files.kills(period, versions),
        overrides=files.overrides(period),
        guardrails=grounds.guardrails(period),
        lanes=grounds.lanes(period),
        promise=grounds.promise(period),
        one_pager=grounds.one_pager(period),
        certificates=grounds.certificates(
            period, {one["certificate"] for one in changes if one["certificate"]}
        ),
        golden_sets=grounds.golden_sets(period),
        access=grounds.access(period),
        decisions=grounds.decisions(period),
    )
    for name in (
        "kills",
        "overrides",
        "guardrails",
        "lanes",
        "promise",
        "certificates",
        "golden_sets",
        "access",
        "decisions",
    ):
        zipped.json(f"{name}.json", getattr(told, name))
    if told.one_pager is not None:
        zipped.json("one-pager.json", told.one_pager)
    for key, impact in grounds.impacts(period):
        zipped.json(f"impacts/{key}.json", impact)
    zipped.json("mapping.json", evidence_mapping.as_json())
    return told


def _versions(zipped: Writer, period: Period) -> Iterator[Json]:
    """Write each version and what it changed; keep of it what fits on a line."""
    before = None
    for row in files.versions(period):
        said = files.version(period, row)
        zipped.json(f"versions/{row.number}.json", said)
        lines: list[Json] = []
        if before is not None:
            changed = files.difference(before, row)
            lines = changed["lines"]
            zipped.json(f"diffs/{row.number}.json", changed)
            zipped.text(f"diffs/{row.number}.txt", files.difference_text(changed))
        before = row
        yield {key: said[key] for key in said if key not in ("document", "baseline")} | {"lines": lines}


def _changes(zipped: Writer, period: Period) -> Iterator[Json]:
    for row in files.changes(period):
        said = files.change(period, row)
        zipped.json(f"changes/{row.number}.json", said)
        certificate = (said["evidence"] or {}).get("certificate") or {}
        brief = {key: said[key] for key in said if key not in ("document", "baseline", "evidence")}
        what_if = (said["evidence"] or {}).get("what_if") or {}
        yield brief | {"certificate": certificate.get("id"), "replayed": what_if.get("decisions", 0)}


def _referred_to(period: Period, told: evidence_summary.Told) -> Q:
    """Return which events before the period something in the pack refers to."""
    first = [one["number"] for one in told.versions[:1]]
    numbers = [one["number"] for one in told.changes]
    limits = Event.objects.filter(use_case=period.slug, kind="guardrail.set", at__lt=period.since)
    newest = list(limits.order_by("-id").values_list("pk", flat=True)[:1])
    begun = [one["version"] for one in told.overrides]
    return (
        Q(version__in=first)
        | Q(version__in=begun, kind="override.began")
        | Q(kind__startswith="change.", new__change__in=numbers)
        | Q(kind__startswith="change.", erased_at__isnull=False, new__isnull=True)
        | Q(pk__in=newest)
    )


def _write_words(zipped: Writer, period: Period, context: Json) -> None:
    key = audit_key().public_key()
    context |= {"public_key": public_key_text(key), "key_id": key_id(key)}
    zipped.text("summary.html", render_to_string("evidence/summary.html", context))
    zipped.text("README.txt", render_to_string("evidence/readme.txt", context))
    zipped.text(pack.KEY, context["public_key"] + "\n")
