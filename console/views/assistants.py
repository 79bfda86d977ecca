"""Every assistant that serves a use case the viewer may see."""

from collections import defaultdict

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from usecases import permissions, selectors
from usecases.selectors import Held
from usecases.views.kill_switches import person


@login_required
def assistants(request: HttpRequest) -> HttpResponse:
    """Show assistants by name, each with what it holds of every use case."""
    mine = {use_case.slug: use_case for use_case in permissions.visible(person(request))}
    held: dict[str, list[tuple[str, Held]]] = defaultdict(list)
    for slug, delivery in selectors.deliveries(mine).items():
        for one in delivery.shown:
            held[one.instance].append((slug, one))
    rows = [
        {
            "name": name,
            "first": found[0][1],
            "holds": [{"use_case": mine[slug], "held": one} for slug, one in found],
        }
        for name, found in sorted(held.items())
    ]
    return render(request, "console/assistants.html", {"rows": rows, "use_cases": len(mine)})
