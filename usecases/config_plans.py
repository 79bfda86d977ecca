"""What applying config files would do, before it is done: line by line, with every gate, bound to what it was made on.

A plan can be kept as a file and applied later. Applied is exactly what was planned: the plan carries the content, and
is refused where it was edited, or where any use case is not as it was when the plan was made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from routing.engine import diff
from routing.engine.digest import digest
from routing.engine.validation import InvalidDocument
from usecases import configs, permissions
from usecases.models import UseCase
from usecases.publishing import Refused, Stale
from usecases.subjects import Check

EXPECTED: Final = (InvalidDocument, Refused, Stale, PermissionDenied, Http404)
FORMAT: Final = 1
SHOWN: Final = 160
DOCUMENTS: Final = ("document", "baseline")
Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One difference. `sign`: + there was nothing, - there is nothing any more, ~ there is something else."""

    sign: str
    path: str
    old: Any
    new: Any

    @property
    def words(self) -> str:
        values = {"+": [self.new], "-": [self.old], "~": [self.old, self.new]}[self.sign]
        return f"{self.sign} {self.path}: {' → '.join(_short(value) for value in values)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one file would do. `outcome`: nothing, create, apply (at once), submit (others have to agree) or refused.

    `stands_on`: what it was made on. `faults`: why it is refused.
    """

    slug: str
    config: Config
    outcome: str
    sentence: str = ""
    number: int = 0
    lines: tuple[Line, ...] = ()
    gates: tuple[Check, ...] = ()
    beside: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    stands_on: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        return self.outcome != "nothing"

    @property
    def refused(self) -> bool:
        return self.outcome == "refused"

    def as_dict(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return asdict(self)


def plan(config: Config, *, by: User, reason: str = "") -> Plan:
    """Return what applying a checked config would do. Writes nothing, refuses nothing: refusals are part of it."""
    slug = config["slug"]
    use_case = UseCase.objects.filter(slug=slug).first()
    if use_case is not None and not permissions.can(by, "view", use_case):
        use_case = None  # nothing of it may show, not even in what it is compared with
    before = configs.export(use_case) if use_case else {}
    stands_on = configs.standing_on(use_case)
    found = lines(before, {**before, **_spelled(config)})
    try:
        applied = configs.apply(config, by=by, reason=reason, dry_run=True)
    except EXPECTED as error:
        met = tuple(getattr(error, "checks", ()))
        return Plan(slug, config, "refused", lines=found, gates=met, faults=tuple(configs.reasons(error)))
    if not applied.changed:
        return Plan(slug, config, "nothing", stands_on=stands_on)
    outcome = "create" if applied.created else "submit" if applied.waits else "apply"
    number = applied.version.number if applied.version and applied.published else 0
    return Plan(
        slug, config, outcome, applied.sentence, number, found, applied.gates, applied.beside, (), stands_on
    )


def _spelled(config: Config) -> Config:
    """Return a config as `configs.export` spells it."""
    found = dict(config)
    if "guardrails" in found:
        found["guardrails"] = configs.bounds_of(found["guardrails"])
    return found | {key: found[key].strip() for key in ("message", *configs.ABOUT) if key in found}


def lines(before: Config, after: Config) -> tuple[Line, ...]:
    """Return every difference of two configs, path by path; documents as their pages show them."""
    found: list[Line] = []
    for key in dict.fromkeys([*configs.FIELDS, *before, *after]):
        old, new = before.get(key), after.get(key)
        if key in DOCUMENTS:
            changes = diff.changes(old or {}, new or {})
            found += [_line(f"{key}.{one.path}", one.old, one.new) for one in changes]
        else:
            found += _walk(key, old, new)
    return tuple(found)


def _walk(path: str, old: Any, new: Any) -> Iterator[Line]:
    """Yield what differs; a knob's bounds are one line each, their paths have points of their own."""
    if old == new:
        return
    if not (isinstance(old or {}, Mapping) and isinstance(new or {}, Mapping)) or _is_leaf(path):
        yield _line(path, old, new)
        return
    before, after = old or {}, new or {}
    for key in dict.fromkeys([*before, *after]):
        yield from _walk(f"{path}.{key}", before.get(key), after.get(key))


def _is_leaf(path: str) -> bool:
    return path.startswith("guardrails.knobs.")


def _line(path: str, old: Any, new: Any) -> Line:
    sign = "+" if old in (None, "") else "-" if new in (None, "") else "~"
    return Line(sign, path, old, new)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def to_json(plans: Sequence[Plan]) -> str:
    """Write plans as the file that `from_json` reads."""
    rows = [one.as_dict() for one in plans]
    return json.dumps(
        {"format": FORMAT, "digest": _digest(rows), "plans": rows}, ensure_ascii=False, indent=2
    )


def from_json(text: str) -> list[Plan]:
    """Read kept plans. Raises `Refused` for what is none, what was edited, and what was refused when planned."""
    try:
        found = json.loads(text)
        rows = found["plans"]
        known = found["format"] == FORMAT and found["digest"] == _digest(rows)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("This is no plan. Make one with --plan-out.") from None
    if not known:
        raise Refused("This plan was edited, or made by another version of the console. Plan again.")
    plans = [_read(row) for row in rows]
    if any(one.refused for one in plans):
        raise Refused("This plan cannot be applied: it was refused when it was made.")
    return plans


def _read(row: dict[str, Any]) -> Plan:
    parts = {
        "lines": tuple(Line(**line) for line in row["lines"]),
        "gates": tuple(Check(**gate) for gate in row["gates"]),
        "beside": tuple(row["beside"]),
        "faults": tuple(row["faults"]),
        "config": configs.checked(row["config"]),
    }
    return Plan(**{**row, **parts})


def _digest(rows: Any) -> str:
    return digest(rows)


def told(one: Plan) -> list[str]:
    """Return a plan as lines for a terminal: what it comes to, every difference, every gate."""
    said = [headline(one), *(f"  {line.words}" for line in one.lines)]
    said += [f"  refused: {fault}" for fault in one.faults]
    return said + gate_lines(one.gates)


def headline(one: Plan) -> str:
    """Say in a line what a plan comes to."""
    beside = (
        f" At once: {', '.join(one.beside)}."
        if one.beside and one.sentence and one.outcome == "submit"
        else ""
    )
    match one.outcome:
        case "nothing":
            return f"{one.slug}: nothing changes."
        case "refused":
            return f"{one.slug}: would be refused."
        case "submit":
            return f"{one.slug}: would be submitted, it needs others to agree: {one.sentence}.{beside}"
    if not one.number:
        return f"{one.slug}: {', '.join(one.beside)} would be written."
    return f"{one.slug} would become r{one.number}: {one.sentence}"


def gate_lines(gates: Sequence[Check]) -> list[str]:
    """Return each gate as a line: how it stands, by what, and what would clear it."""
    return [f"  {gate.status}: {gate.name}. {gate.evidence} {gate.clear}".rstrip() for gate in gates]
