"""A use case as a file: `{slug, name, owner, document, baseline, message, guardrails, one_pager}`, YAML or JSON.

Both directions go through the same actions, checks and permissions as the page.
"""

from dataclasses import dataclass, replace
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.db import transaction

from routing.engine.digest import digest
from routing.engine.validation import InvalidDocument, faults
from usecases import lanes, one_pager_standing, permissions, terms
from usecases import one_pagers as sheets
from usecases.actions import changes, guardrails, one_pagers, use_cases, versions
from usecases.models import Change, Guardrail, UseCase, Version
from usecases.publishing import Content, NeedsApproval, Refused, latest, lock_with_limits
from usecases.reviewing import review_of
from usecases.subjects import Check

ABOUT = ("name", "owner", "risk", "description")
FIELDS = ("slug", *ABOUT, "document", "baseline", "message", "guardrails", "one_pager")
REQUIRED = ("slug", "name", "owner", "document")
OPTIONAL = frozenset(FIELDS) - frozenset(REQUIRED)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a config file did: whether it created the use case, and the version that is live after it.

    `change`: what was proposed instead, past the lane; `gates` are those that it meets. `beside`: what was written that
    assistants are not told, in words. `waits`: others have to agree to the document. `published`: it is a new version.
    """

    created: bool
    changed: bool
    version: Version | None
    sentence: str
    change: Change | None = None
    gates: tuple[Check, ...] = ()
    beside: tuple[str, ...] = ()
    waits: bool = False
    published: bool = True


class Moved(Refused):
    """What a plan was made on is another by now."""


def parse(text: str) -> dict[str, Any]:
    """Read a config file. Raises `Refused` naming every missing or unknown field."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Refused(f"The file is not valid YAML: {error}") from None
    return checked(found)


def checked(given: Any) -> dict[str, Any]:
    """Return a config mapping whose fields are known, present and of the right kind; else `Refused` with all faults."""
    if not isinstance(given, dict):
        raise Refused("Give an object with “slug”, “name”, “owner” and “document”.")
    # An empty key in YAML and null in JSON say nothing: the same as leaving an optional field out.
    found = {key: value for key, value in given.items() if value is not None or key not in OPTIONAL}
    errors = [_error(key, "is not a field of a use case.") for key in found if key not in FIELDS]
    errors += [_error(key, "is missing.") for key in REQUIRED if key not in found]
    for key in ("slug", "name", "owner", "risk", "description", "message"):
        if key in found and not isinstance(found[key], str):
            errors.append(_error(key, "has to be text."))
        elif "\0" in found.get(key, ""):
            errors.append(_error(key, "has a NUL character in it; leave that out."))
    if "baseline" in found and not isinstance(found["baseline"], dict):
        errors.append(_error("baseline", "has to be a config document."))
    errors += guardrails.check_limits(found.get("guardrails") or {})
    if "one_pager" in found:
        found["one_pager"], wrong = sheets.read(found["one_pager"])
        errors += wrong
    if errors:
        document = found.get("document", {})
        broken = [
            _error(f"document.{f.path}" if f.path else "document", f.message, bare=True)
            for f in faults(document)
        ]
        raise Refused("The use case cannot be taken as it stands.", errors + broken)
    return found


def _error(path: str, words: str, bare: bool = False) -> dict[str, str]:
    return {"path": str(path), "message": words if bare else f"“{path}” {words}"}


def apply(
    config: dict[str, Any],
    *,
    by: User,
    reason: str = "",
    dry_run: bool = False,
    expected: dict[str, Any] | None = None,
) -> Applied:
    """Create or change a use case from a checked config; `dry_run` checks everything and writes nothing.

    All at one commit; only what others have to agree to is submitted after it, since its evidence is gathered while
    nothing is locked. `expected`: what it stood on when it was planned, as `standing_on` says it. Raises `Moved`.
    """
    with transaction.atomic():
        use_case = UseCase.objects.filter(slug=config["slug"]).first()
        if use_case is not None and permissions.can(by, "view", use_case):
            _hold(use_case, config)
        _check_expected(config["slug"], use_case, expected)
        applied = _change(use_case, config, by, reason, expected) if use_case else _create(config, by, reason)
        if dry_run:
            transaction.set_rollback(True)
    if not applied.waits or dry_run or use_case is None:
        return applied
    change = changes.submit(
        use_case=use_case,
        by=by,
        reason=reason,
        expected_version=expected["version"] if expected else None,
        **_content(config),
    )
    return replace(applied, sentence=change.sentence, change=change, gates=review_of(change).checks)


def standing_on(use_case: UseCase | None) -> dict[str, Any]:
    """Return what a plan is made on: the live version, and the digest of every part of the file."""
    if use_case is None:
        return {"version": 0}
    file = export(use_case)
    held = Guardrail.objects.get(use_case=use_case)
    shared = {"shared lanes": digest(lanes.effective(held))} if held.lanes else {}
    return {"version": latest(use_case).number, **{key: digest(file[key]) for key in sorted(file)}, **shared}


def _hold(use_case: UseCase, config: dict[str, Any]) -> None:
    """Lock all that is written or judged by until it is applied, in the order in which every other action does.

    Else limits that are set meanwhile would be lost, and a page and a file could wait for each other for ever.
    """
    named = (config.get("guardrails") or {}).get("lanes") or []
    guardrails.lock_lanes([*named, *Guardrail.objects.get(use_case=use_case).lanes])
    lock_with_limits(use_case)


def _check_expected(slug: str, use_case: UseCase | None, expected: dict[str, Any] | None) -> None:
    if expected is None:
        return
    found = standing_on(use_case)
    moved = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    if moved:
        raise Moved(f"“{slug}” is not as it was planned on any more: {', '.join(moved)}. Plan it again.")


def _create(config: dict[str, Any], by: User, reason: str) -> Applied:
    version = use_cases.create(by=by, reason=reason, **{k: v for k, v in config.items() if k in FIELDS})
    return Applied(True, True, version, version.sentence)


def _content(config: dict[str, Any]) -> dict[str, Any]:
    return {key: config.get(key) for key in ("document", "baseline", "message")}


def _change(
    use_case: UseCase, config: dict[str, Any], by: User, reason: str, expected: dict[str, Any] | None
) -> Applied:
    if not permissions.can(by, "view", use_case):
        permissions.check_create(by)  # told the same as for a use case that there is not
    permissions.check(by, "view", use_case)
    before = latest(use_case)
    beside = _beside(use_case, config, by, reason)
    use_case = UseCase.objects.get(pk=use_case.pk)
    content = versions.content_of(before, **_content(config))
    if content.same_as(Content.of(before)):
        said = "Nothing changes." if not beside else f"{', '.join(beside).capitalize()} written."
        return Applied(False, bool(beside), before, said, beside=beside, published=False)
    permissions.check(by, "tune", use_case)
    planned = versions.plan(
        use_case=use_case,
        document=content.document,
        standing=before,
        baseline=config.get("baseline"),
        by=by,
    )
    gates = planned.findings.checks
    number = expected["version"] if expected else None
    try:
        version = versions.apply(
            use_case=use_case, by=by, reason=reason, expected_version=number, **_content(config)
        )
    except NeedsApproval:
        said = versions.told(before, content, planned)
        return Applied(False, True, None, said, gates=gates, beside=beside, waits=True)
    return Applied(False, True, version, version.sentence, gates=gates, beside=beside)


def _beside(use_case: UseCase, config: dict[str, Any], by: User, reason: str) -> tuple[str, ...]:
    """Write what assistants are not told, and name it; the gates of the document are judged by it."""
    done = []
    sheet = config.get("one_pager")
    if sheet is not None and sheet != one_pager_standing.sheet_of(one_pager_standing.held(use_case)):
        one_pagers.write(use_case=use_case, by=by, reason=reason, **sheet)
        done.append("one-pager")
    if "guardrails" in config and bounds_of(config["guardrails"]) != use_case.guardrail.as_dict():
        _set_limits(use_case, config["guardrails"] or {}, by, reason)
        done.append("guardrails")
    about = {key: config.get(key, getattr(use_case, key)).strip() for key in ABOUT}
    if about != {key: getattr(use_case, key) for key in ABOUT}:
        use_cases.rename(use_case=use_case, by=by, **about)
        done += [key for key in ABOUT if about[key] != getattr(use_case, key)]
    return tuple(done)


def _set_limits(use_case: UseCase, bounds: dict[str, Any], by: User, reason: str) -> None:
    guardrails.set_limits(
        use_case=use_case,
        knobs=bounds.get("knobs") or {},
        approved_models=bounds.get("models") or [],
        terms=terms.complete(bounds),
        lanes=bounds.get("lanes") or [],
        by=by,
        reason=reason,
    )


def bounds_of(given: dict[str, Any] | None) -> dict[str, Any]:
    """Return guardrails of a file as `Guardrail.as_dict` spells them."""
    bounds = given or {}
    shared = list(dict.fromkeys(bounds.get("lanes") or []))
    return {
        "knobs": bounds.get("knobs") or {},
        "models": bounds.get("models") or [],
        **terms.unusual(bounds),
        **({"lanes": shared} if shared else {}),
    }


def export(use_case: UseCase, *, by: User | None = None) -> dict[str, Any]:
    """Return a use case as the mapping that `apply` takes."""
    if by is not None:
        permissions.check(by, "view", use_case)
    version = latest(use_case)
    sheet = one_pager_standing.sheet_of(one_pager_standing.held(use_case))
    return {
        "slug": use_case.slug,
        "name": use_case.name,
        "owner": use_case.owner,
        "risk": use_case.risk,
        "description": use_case.description,
        "document": version.document,
        "baseline": version.baseline,
        "message": version.message,
        "guardrails": use_case.guardrail.as_dict(),
        **({"one_pager": sheet} if any(sheet.values()) else {}),
    }


def dump(config: dict[str, Any]) -> str:
    """Write a config mapping as YAML, keys in the order people read them."""
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110)


def reasons(error: Exception) -> list[str]:
    """Return every fault of a refusal as lines for a terminal."""
    if isinstance(error, InvalidDocument):
        return [f"{fault.path}: {fault.message}" for fault in error.faults]
    if isinstance(error, Refused) and error.errors:
        return [f"{item['path']}: {item['message']}" for item in error.errors]
    return [str(error)]
