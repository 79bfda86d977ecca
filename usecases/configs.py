"""A use case as a file: `{slug, name, owner, document, baseline, message, guardrails}`, YAML or JSON.

Both directions go through the same actions, checks and permissions as the page.
"""

from dataclasses import dataclass
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.db import transaction

from routing.engine.validation import InvalidDocument, faults
from usecases import permissions, terms
from usecases.actions import changes, guardrails, use_cases, versions
from usecases.checks import Check
from usecases.models import Change, UseCase, Version
from usecases.publishing import NeedsApproval, Refused, latest
from usecases.reviewing import review_of

FIELDS = ("slug", "name", "owner", "risk", "description", "document", "baseline", "message", "guardrails")
REQUIRED = ("slug", "name", "owner", "document")
OPTIONAL = frozenset(FIELDS) - frozenset(REQUIRED)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a config file did: whether it created the use case, and the version that is live after it.

    `change`: what was proposed instead, past the lane; `gates` are those that it meets.
    """

    created: bool
    changed: bool
    version: Version | None
    sentence: str
    change: Change | None = None
    gates: tuple[Check, ...] = ()


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


@transaction.atomic
def apply(config: dict[str, Any], *, by: User, reason: str = "", dry_run: bool = False) -> Applied:
    """Create or change a use case from a checked config; `dry_run` checks everything and writes nothing."""
    use_case = UseCase.objects.filter(slug=config["slug"]).first()
    applied = _create(config, by, reason) if use_case is None else _change(use_case, config, by, reason)
    if dry_run:
        transaction.set_rollback(True)
    return applied


def _create(config: dict[str, Any], by: User, reason: str) -> Applied:
    version = use_cases.create(by=by, reason=reason, **{k: v for k, v in config.items() if k in FIELDS})
    return Applied(True, True, version, version.sentence)


def _change(use_case: UseCase, config: dict[str, Any], by: User, reason: str) -> Applied:
    before = latest(use_case)
    if _limits_change(use_case, config):
        bounds = config["guardrails"] or {}
        guardrails.set_limits(
            use_case=use_case,
            knobs=bounds.get("knobs") or {},
            approved_models=bounds.get("models") or [],
            terms=terms.complete(bounds),
            by=by,
            reason=reason,
        )
        use_case = UseCase.objects.get(pk=use_case.pk)
    use_cases.rename(
        use_case=use_case,
        by=by,
        name=config["name"],
        owner=config["owner"],
        risk=config.get("risk", use_case.risk),
        description=config.get("description", use_case.description),
    )
    wish = {
        "use_case": use_case,
        "document": config["document"],
        "by": by,
        "reason": reason,
        "baseline": config.get("baseline"),
        "message": config.get("message"),
    }
    try:
        planned = versions.plan(
            use_case=use_case, document=wish["document"], standing=before, baseline=wish["baseline"]
        )
        version = versions.apply(**wish)
    except NeedsApproval:
        change = changes.submit(**wish)
        return Applied(False, True, None, change.sentence, change, review_of(change).checks)
    changed = version.number != before.number
    said = version.sentence if changed else "Nothing changes."
    return Applied(False, changed, version, said, gates=planned.findings.checks)


def _limits_change(use_case: UseCase, config: dict[str, Any]) -> bool:
    if "guardrails" not in config:
        return False
    bounds = config["guardrails"] or {}
    return use_case.guardrail.as_dict() != {
        "knobs": bounds.get("knobs") or {},
        "models": bounds.get("models") or [],
        **terms.unusual(bounds),
    }


def export(use_case: UseCase, *, by: User | None = None) -> dict[str, Any]:
    """Return a use case as the mapping that `apply` takes."""
    if by is not None:
        permissions.check(by, "view", use_case)
    version = latest(use_case)
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
