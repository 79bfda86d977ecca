"""The cards of the Escalation tab: queues, what customers read, and how long an assistant runs alone."""

from typing import Any

from usecases.fields import is_number
from usecases.views.draft_bands import queue_names, spoken
from usecases.views.draft_models import entry_rows
from usecases.views.draft_work import Work, listed, mapped

MESSAGES = (
    ("review", "While a person checks the answer", "Shown when a request falls in a review band."),
    ("escalate", "When a person answers instead", "Shown when a request is escalated."),
    ("answer", "As the answer itself", "A curated answer, for a band that answers without any model."),
)
LEASE_THEN = (("baseline", "Fall back to the baseline"), ("hold", "Keep the last configuration"))


def escalation_cards(work: Work) -> dict[str, Any]:
    """Return everything the tab shows."""
    document, live = work.document, work.compared
    texts, was = mapped(document, "messages"), mapped(live, "messages")
    lease, lease_was = mapped(document, "lease"), mapped(live, "lease")
    queues = entry_rows(work, "queues", "name", ("name", "sla_minutes", "capacity_per_hour", "on_breach"))
    for row in queues:
        row["label"] = spoken(str(row["title"]))
        row["uses"] = _uses(work, str(row["title"]))
        row["others"] = [name for name in queue_names(work) if name != row["title"]]
        row["promise"] = promise(row["sla_minutes"].value)
    return {
        "queues": queues,
        "queues_faults": work.fault_map.get("queues", ()),
        "messages_shown": [
            {
                "key": key,
                "label": label,
                "hint": hint,
                "field": work.shown(f"messages.{key}", texts.get(key), was.get(key)),
            }
            for key, label, hint in MESSAGES
        ],
        "lease_seconds": work.shown(
            "lease.seconds", lease.get("seconds", 300), lease_was.get("seconds", 300)
        ),
        "lease_then": work.shown(
            "lease.then", lease.get("then", "baseline"), lease_was.get("then", "baseline")
        ),
        "lease_words": promise_seconds(lease.get("seconds", 300)),
        "thens": LEASE_THEN,
    }


def promise(minutes: Any) -> str:
    """Write a promise in minutes as people say it: “within 2 hours”."""
    if not is_number(minutes):
        return ""
    hours = minutes / 60
    if minutes >= 60 and float(hours).is_integer():
        return f"within {hours:g} hour{'' if hours == 1 else 's'}"
    return f"within {minutes:g} minute{'' if minutes == 1 else 's'}"


def promise_seconds(seconds: Any) -> str:
    """Write a stretch of seconds as people say it; empty for what is no number."""
    if not is_number(seconds):
        return ""
    return f"{seconds:g} seconds" if seconds < 120 else f"{seconds / 60:g} minutes"


def _uses(work: Work, name: str) -> str:
    """Say what sends requests to a queue."""
    bands = [str(b.get("name")) for b in listed(work.document, "bands") if b.get("queue") == name]
    rules = [r for r in listed(work.document, "rules") if mapped(r, "then").get("queue") == name]
    late = [str(q.get("name")) for q in listed(work.document, "queues") if q.get("on_breach") == name]
    parts = [f"band {', '.join(bands)}"] if bands else []
    parts += [f"{len(rules)} rule{'' if len(rules) == 1 else 's'}"] if rules else []
    parts += [f"late cases of {', '.join(late)}"] if late else []
    return "; ".join(parts)
