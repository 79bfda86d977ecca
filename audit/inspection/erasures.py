"""Hold what is erased against what the record tells of erasures: none may have happened in silence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from audit.inspection.faults import Fault
from audit.inspection.ranges import Erased


def faults(erased: Iterable[Erased], told: Iterable[Erased]) -> Iterator[Fault]:
    """Compare emptied events with the events that tell of it, by uid; times and names are those of the last one."""
    by_uid: dict[str, list[Erased]] = defaultdict(list)
    for telling in told:
        by_uid[telling.uid].append(telling)
    for event in erased:
        tellings = sorted(by_uid.pop(event.uid, []), key=lambda telling: telling.seq)
        named = {name for telling in tellings for name in telling.fields}
        if silent := sorted(set(event.fields) - named):
            yield _fault(event, f"{', '.join(silent)} was emptied, and no event tells of that erasure")
        if kept := sorted(named - set(event.fields)):
            yield _fault(event, f"{', '.join(kept)} should be erased, and is there")
        if tellings and (event.at != tellings[-1].at or tellings[-1].by not in (None, event.by)):
            yield _fault(event, "when or by whom it was erased was changed")
        elif not tellings and not event.fields:
            yield _fault(event, "it says that it was erased, and never was")
    for tellings in by_uid.values():
        for telling in tellings:
            yield _fault(
                telling, f"it tells of an erasure of event {telling.uid}, which is not erased or not there"
            )


def _fault(event: Erased, text: str) -> Fault:
    return Fault("erasure", f"{event.name}: {text}", event.seq, event.event)
