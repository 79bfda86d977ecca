"""The Audit page over 1,000,000 events and 1,000 use cases: server time of every question an auditor asks of it.

Asked through the whole of Django (middleware, session, rights, templates), in process, of an admin who sees all use
cases and of somebody who sees three. The reference is a page of the same frame that reads no event: Tokens.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks._audit_page import seed
from tests.benchmarks._record import database

EVENTS, USE_CASES, ROUNDS = 1_000_000, 1_000, 40
AIM_MS = 100.0
LINES = 2_000  # of an export, as read by somebody who then stops


def run() -> None:
    """Print p50 and p95 of each question, beside the reference's."""
    with database() as url:
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        people = _people()
        for client in people.values():
            _read(client, "/audit")  # all that is imported late
        begun = time.perf_counter()
        seed(url, EVENTS)
        print(f"seeded in {time.perf_counter() - begun:.0f} s", flush=True)
        missed = []
        for name, client in people.items():
            missed += _asked(name, client)
        print(f"p95 under {AIM_MS:.0f} ms: {'kept' if not missed else 'MISSED by ' + ', '.join(missed)}")


def _people() -> dict[str, Any]:
    """Make the use cases, somebody who sees all of them by a group's rights, and somebody who sees three."""
    from django.contrib.auth.models import Group, Permission, User
    from django.test import Client
    from guardian.shortcuts import assign_perm

    from tests.documents import claims
    from usecases.models import Guardrail, UseCase, Version

    made = UseCase.objects.bulk_create(
        UseCase(slug=f"case-{number}", name=f"Case {number}", owner="desk") for number in range(USE_CASES)
    )
    Guardrail.objects.bulk_create(Guardrail(use_case=row) for row in made)
    said = {"state": "live", "digest": "", "document": claims(), "baseline": {}, "created_by": "admin"}
    Version.objects.bulk_create(Version(use_case=row, number=1, kind="created", **said) for row in made)
    everybody = Group.objects.get_or_create(name="admin")[0]
    everybody.permissions.add(
        Permission.objects.get(codename="add_usecase", content_type__app_label="usecases")
    )
    assign_perm("usecases.view_usecase", everybody, UseCase.objects.all())  # type: ignore[arg-type]  # many at once
    admin, three = User.objects.create_user("person-1"), User.objects.create_user("person-8")
    admin.groups.add(everybody)
    for row in made[:3]:
        assign_perm("usecases.view_usecase", three, row)
    found = {"an admin who sees 1,000": Client(), "somebody who sees 3": Client()}
    for client, user in zip(found.values(), (admin, three), strict=True):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def _questions(slug: str) -> dict[str, str]:
    from audit.models import Event

    event = Event.objects.filter(use_case=slug).order_by("id")[500]
    march = "period=2026-03"
    return {
        "first page": "/audit",
        "person": "/audit?person=person-7",
        "kind": "/audit?kind=version.applied",
        "a kind that occurs 4 times": "/audit?kind=guardrail.set",
        "use case": f"/audit?use_case={slug}",
        "March": f"/audit?{march}",
        "words": "/audit?q=complaints+week",
        "words that occur 3 times": "/audit?q=marten+cables",
        "words that occur nowhere": "/audit?q=giraffe",
        "knob": "/audit?knob=bands.answer.from",
        "a knob turned 4 times": "/audit?knob=rules.vip.answer_from",
        "knob in March": f"/audit?knob=bands.answer.from&{march}",
        "all at once": f"/audit?knob=bands.answer.from&person=person-10&kind=version.applied&q=complaints&{march}",
        "rare kind, common words": "/audit?kind=guardrail.set&q=complaints+week",
        "never together": "/audit?kind=rollout.converged&person=person-7",
        "an old page": "/audit?before=400000",
        "one event": f"/audit/{event.uid}",
        f"first {LINES:,} lines as CSV": "/audit.csv",
        f"first {LINES:,} lines as JSONL": "/audit.jsonl",
    }


def _asked(name: str, client: Any) -> list[str]:
    """Print a line a question; name those that took too long. Exports are shown, not judged."""
    reference = _times(lambda: _read(client, "/tokens"))
    print(f"\n{name:<34}{'p50 ms':>9}{'p95 ms':>9}{'times the reference':>21}")
    print(f"{'  reference: the Tokens page':<34}{reference[0]:>9.1f}{reference[1]:>9.1f}{1:>21.1f}")
    missed = []
    for question, address in _questions("case-2").items():
        rounds = ROUNDS if "lines" not in question else 5
        middle, late = _times(lambda address=address: _read(client, address), rounds)  # type: ignore[misc]
        print(f"{'  ' + question:<34}{middle:>9.1f}{late:>9.1f}{middle / reference[0]:>21.1f}")
        if late > AIM_MS and "lines" not in question:
            missed.append(f"{question} of {name}")
    return missed


def _times(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Return median and 95th of a hundred, in milliseconds; the first time does not count."""
    work()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1000)
    return statistics.median(found), sorted(found)[int(0.95 * (len(found) - 1))]


def _read(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    if answer.streaming:
        lines = 0
        for part in _parts(answer):
            lines += part.count(b"\n")
            if lines > LINES:
                break
        answer.close()


def _parts(answer: Any) -> Iterator[bytes]:
    yield from answer.streaming_content
