"""Long lists: sorted by the head that was clicked, shown part by part, as the address says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

EACH = 50


@dataclass(frozen=True, slots=True)
class Column:
    """A head. `order`: what sorting by it sorts by, nothing where it cannot; `falls`: the most comes first."""

    key: str
    label: str
    order: tuple[Any, ...] = ()
    falls: bool = False
    css: str = ""

    @property
    def direction(self) -> str:
        return "descending" if self.falls else "ascending"


def listed(
    request: HttpRequest, found: QuerySet[Any], columns: Sequence[Column], usual: str
) -> dict[str, Any]:
    """Return what a list's template needs: its heads, which one is in force, and the part that was asked for.

    `usual`: the key of the column that it is sorted by where the address names none.
    """
    sortable = {one.key: one for one in columns if one.order}
    current = sortable.get(request.GET.get("sort", ""), sortable[usual])
    part = Paginator(found.order_by(*current.order), EACH).get_page(request.GET.get("page"))
    return {"columns": columns, "sorted_by": current, "part": part, "rows": list(part)}
