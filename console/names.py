"""Names of new accounts. The record tells people apart by them, so none may pass for another's.

Letters that look like others, capitals, and the names of the product's own parts are what somebody would take for that.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from django.contrib.auth.models import User
from django.db.models.functions import Lower

from audit.models import Event

# Sample accounts, and by what names the product's own parts stand in the record.
RESERVED: Final = frozenset(
    {
        *("admin", "administrator", "operations", "ops", "risk", "root", "support", "system"),
        *("anonymous", "clock", "command", "console", "delegation", "expiry", "make-up"),
        *("nobody", "override", "schedule", "sign-in", "token"),
    }
)
_MARKS: Final = re.compile(r"[\u0300-\u036f]")  # accents, once letters are taken apart
_STRANGE: Final = re.compile(r"[^a-z0-9_.@+-]+")


def free(wanted: str) -> str:
    """Return a name that nobody has or had, near to the wanted one: at a provider people often choose their own."""
    base = _STRANGE.sub("-", _plain(wanted))[:120].strip("-.") or "person"
    names = [base, f"{base}@oidc", *(f"{base}@oidc{number}" for number in range(2, 100))]
    taken = RESERVED | _had(names)
    return next(name for name in names if name not in taken)


def fault(name: str) -> str:
    """Say why a name that somebody chose at the machine would pass for another's; empty where it does not."""
    plain = _plain(name)
    if _STRANGE.search(plain):
        return "A name has letters from a to z, digits and _ . @ + - alone: others look like these."
    if plain in RESERVED or _had([plain]):
        return f"“{plain}” is or was somebody's, or a part's of the console. Choose another name."
    return ""


def _plain(name: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKD", name)).casefold()


def _had(names: Iterable[str]) -> set[str]:
    """Return those of some names that an account has, written in whatever case, or that the record tells of."""
    wanted = list(names)
    known = User.objects.annotate(plain=Lower("username")).filter(plain__in=wanted)
    told = Event.objects.filter(actor__in=wanted, actor_kind="person").values_list("actor", flat=True)
    return {*known.values_list("plain", flat=True), *told}
