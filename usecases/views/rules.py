"""The rule builder: nested conditions, and what follows. Every button posts the form; the server reshapes it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from routing import traffic
from routing.engine.validation import faults
from usecases import editing, rule_forms
from usecases.actions import drafts
from usecases.models import UseCase
from usecases.views import frame, use_case_for
from usecases.views.draft_bands import model_labels, queue_names, spoken
from usecases.views.draft_desk import answer, posted
from usecases.views.draft_rules import condition, model_words, outcome
from usecases.views.draft_work import Work, dotted, listed, work_for
from usecases.views.kill_switches import person
from usecases.views.refusals import careful

KINDS = (
    ("all", "all of these hold"),
    ("any", "at least one of these holds"),
    ("not-any", "none of these holds"),
    ("not-all", "not all of these hold"),
)
ACTIONS = (
    ("", "leave to the bands"),
    ("answer", "answer"),
    ("review", "a person reviews"),
    ("escalate", "a person answers"),
)


@login_required
@careful
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the builder of one rule (`?id=`) or of a new one; POST reshapes it or, with `do=save`, keeps the rule."""
    use_case = use_case_for(request, slug, "tune")
    work = work_for(use_case, person(request))
    rule_id = request.GET.get("id") or None
    was = (
        next((r for r in listed(work.document, "rules") if r.get("id") == rule_id), None) if rule_id else None
    )
    if rule_id and was is None:
        return answer(request, use_case, warning="That rule is gone: it was removed in another window.")
    if request.method != "POST":
        form = rule_forms.from_rule(was) if was else rule_forms.blank()
        return _builder(request, use_case, work, form, was)
    form = rule_forms.from_fields(posted(request))
    words = request.POST.get("do", "")
    if words == "save":
        return _save(request, use_case, form, was)
    return _builder(request, use_case, work, rule_forms.reshape(form, words), was, grown=words)


def _save(
    request: HttpRequest, use_case: UseCase, form: rule_forms.RuleForm, was: dict[str, Any] | None
) -> HttpResponse:
    """Keep the rule in the draft, complete or not: its row says what is still wrong with it."""
    kinds = {a.name: a.kind for a in traffic.attributes(use_case.slug)}
    draft = drafts.open_for(use_case=use_case, by=person(request))
    built = rule_forms.to_rule(form, was, kinds)
    try:
        done = editing.save_rule(draft.document, built, replaces=str(was["id"]) if was else None)
    except editing.UnknownEdit as refusal:
        return answer(request, use_case, warning=str(refusal))
    drafts.edit(draft=draft, document=done.document, by=person(request), sentence=done.sentence)
    response = answer(request, use_case, said=done.sentence or "The rule is as it was.")
    response.headers["HX-Trigger-After-Swap"] = "rule-saved"
    return response


def _builder(
    request: HttpRequest,
    use_case: UseCase,
    work: Work,
    form: rule_forms.RuleForm,
    was: dict[str, Any] | None,
    grown: str = "",
) -> HttpResponse:
    known = traffic.attributes(use_case.slug)
    kinds = {attribute.name: attribute.kind for attribute in known}
    built = rule_forms.to_rule(form, was, kinds)
    labels = model_labels(work.document)
    touched = request.method == "POST"
    context: dict[str, Any] = {
        "use_case": use_case,
        "work": work,
        "form": form,
        "nodes": _lines(form.when),
        "rule_id": was["id"] if was else "",
        "known": known,
        "values": {attribute.name: attribute.values for attribute in known},
        "kinds": KINDS,
        "operators": rule_forms.OPERATORS.items(),
        "actions": ACTIONS,
        "queues": [(name, spoken(name)) for name in queue_names(work)],
        "models": [
            (str(r.get("model")), model_words(str(r.get("model")), labels))
            for r in listed(work.document, "ladder")
        ],
        "when": condition(built["when"]),
        "then": outcome(built["then"], labels),
        "faults": _faults(work, form, built, was) if touched else {},
        "grown": _focus(grown, form),
        "keys": ("attribute", "op", "value", "value.0", "value.1"),
        "then_keys": ("then", "then.action", "then.queue", "then.start", "then.answer_from"),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "usecases/tune/_builder.html", context)
    return render(request, "usecases/tune/rule.html", {**frame(request, use_case, "tune"), **context})


def _lines(node: rule_forms.Node) -> list[dict[str, Any]]:
    """Flatten the tree into its lines, for a template that knows no recursion; a group says where it ends."""
    if not node.kind:
        return [{"node": node, "group": False}]
    inner = [line for child in node.children for line in _lines(child)]
    return [{"node": node, "group": True}, *inner, {"node": node, "end": True}]


def _faults(
    work: Work, form: rule_forms.RuleForm, built: dict[str, Any], was: dict[str, Any] | None
) -> dict[str, list[str]]:
    """Return the faults of the rule as it would stand in the draft, by path inside the rule.

    What is still empty is no fault while somebody writes; once the rule is kept, its row says what is missing.
    """
    empty = {node.path for node in form.when.walk() if not node.kind and not node.attribute}
    empty |= {field for field, text in (("name", form.name), ("then", built["then"])) if not text}

    def blank(path: str) -> bool:
        place = _node_path(path)
        return place in empty or place.rpartition(".")[0] in empty

    done = editing.save_rule(work.document, built, replaces=str(was["id"]) if was else None)
    rules = done.document["rules"]
    at = editing.rule_index(done.document, str(was["id"])) if was else len(rules) - 1
    start = f"rules.{at}."
    found: dict[str, list[str]] = {}
    for fault in faults(done.document):
        path = dotted(fault.path)
        if path.startswith(start) and not blank(path.removeprefix(start)):
            found.setdefault(_node_path(path.removeprefix(start)), []).append(fault.message)
    return found


def _node_path(path: str) -> str:
    """Turn a fault's path inside a rule into its field's: `when.not.any.1.op` is `when.1.op` in the builder."""
    steps = path.split(".")
    found = []
    for place, step in enumerate(steps):
        if step in ("all", "any") and steps[0] == "when":
            continue
        if step == "not" and steps[0] == "when":
            if place + 1 < len(steps) and steps[place + 1] not in ("all", "any"):
                found.append("0")  # a single negated condition is shown as a group of one
            continue
        found.append(step)
    if len(found) == 2 and found[0] == "when" and found[1] in ("attribute", "op", "value"):
        found.insert(1, "0")  # so is a rule that is a single condition
    return ".".join(found)


def _focus(words: str, form: rule_forms.RuleForm) -> str:
    """Return the field that a person who pressed “add” goes on with: the newest line of that group."""
    verb, _, path = words.partition(":")
    group = next((node for node in form.when.walk() if node.path == path and node.kind), None)
    if verb not in ("add", "group") or group is None or not group.children:
        return ""
    last = group.children[-1]
    return f"{(last.children[0] if last.kind and last.children else last).path}.attribute"
