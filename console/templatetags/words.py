"""How numbers and times read on every page. A number that is not known is a dash, never a zero."""

import math
from collections.abc import Iterable
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
DASH = "—"
SELECTED = SafeString(" selected")
STEPS = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (14 * 86400, 86400, "days"))


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """0.714 → 71.4%."""
    return DASH if share is None else f"{share * 100:.{digits}f}%"


@register.filter
def usd(amount: float | None) -> str:
    """Write money: cents matter in sums, two digits that count in what one task costs."""
    if amount is None:
        return DASH
    if amount == 0 or amount >= 0.01:
        return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.3f}"
    return f"${amount:.{min(7, 1 - math.floor(math.log10(amount)))}f}"


@register.filter
def seconds(value: float | None) -> str:
    """0.1432 → 0.14 s; a minute and more without decimals."""
    if value is None:
        return DASH
    return f"{value:.2f} s" if value < 10 else f"{value:,.0f} s"


@register.filter
def milliseconds(value: float | None) -> str:
    """840.2 → 840 ms; 4213 → 4.2 s."""
    if value is None:
        return DASH
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


@register.filter
def one_in(share: float) -> str:
    """0.05 → 20, as in “1 in 20”."""
    return f"{1 / share:,.0f}" if share else DASH


@register.filter
def confidence(value: float | None) -> str:
    """0.8512 → 0.85."""
    return DASH if value is None else f"{value:.2f}"


@register.filter
def exact(moment: datetime | None) -> str:
    """Name a moment in full, in the reader's zone."""
    return DASH if moment is None else timezone.localtime(moment).strftime("%a %-d %b %Y, %H:%M:%S %Z")


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str = "") -> SafeString:
    """Write the options of a select, `(value, words)` each; a thousand cost a template as much as the page.

    What is chosen and no longer among them stays chosen: the select must not say that everything is shown.
    """
    listed = list(choices)
    if chosen and all(value != chosen for value, _ in listed):
        listed.append((chosen, chosen))
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SELECTED if value == chosen else "", words) for value, words in listed),
    )


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """Say how long ago a moment is; a small script keeps the words fresh."""
    return _time(moment, relative(moment), "data-ago") if moment else DASH


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """Say when a moment was: the clock today, the weekday this week, the date before."""
    return _time(moment, clock(moment), "") if moment else DASH


def relative(moment: datetime) -> str:
    """38 s ago · 12 min ago · 2 h ago · 3 days ago · 3 Nov 2026."""
    age = (timezone.now() - moment).total_seconds()
    if age < 2:
        return "just now"
    for limit, unit, word in STEPS:
        if age < limit:
            count = int(age // unit)
            return f"{count} {'day' if word == 'days' and count == 1 else word} ago"
    return timezone.localtime(moment).strftime("%-d %b %Y")


def clock(moment: datetime) -> str:
    """14:02:11 today · Fri 09:12 within the week · 3 Nov 09:12 before · with the year where it is another."""
    local, now = timezone.localtime(moment), timezone.localtime()
    if local.date() == now.date():
        return local.strftime("%H:%M:%S")
    if 0 <= (now.date() - local.date()).days < 7:
        return local.strftime("%a %H:%M")
    return local.strftime("%-d %b %H:%M" if local.year == now.year else "%-d %b %Y")


def _time(moment: datetime, words: str, mark: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}" {}>{}</time>', moment.isoformat(), exact(moment), mark, words
    )
