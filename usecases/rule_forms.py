"""A rule as form fields and back: nested groups of conditions, typed values. Pure.

Fields: `name`, `then.action|queue|start|answer_from`, and the tree under `when`: a group has `PATH.kind` and children
`PATH.0`, `PATH.1`, …; a condition has `PATH.attribute`, `PATH.op`, `PATH.value` and for between `PATH.value2`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from usecases.fields import CONFIDENCE, is_number, number, plain

KINDS = ("all", "any", "not-all", "not-any")
OPERATORS: dict[str, str] = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is over",
    "gte": "is at least",
    "lt": "is under",
    "lte": "is at most",
    "between": "is between",
    "contains": "contains",
    "starts_with": "starts with",
    "matches": "matches the pattern",
    "is_set": "is known",
}
_TEXTS = ("contains", "starts_with", "matches")
_NUMBERS = ("gt", "gte", "lt", "lte", "between")
_LISTS = ("in", "not_in")
MAX_DEPTH = 8
MAX_NODES = 200


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the builder: a group (`kind` says which) with children, or a condition (`kind` is empty)."""

    path: str
    kind: str = ""
    children: tuple["Node", ...] = ()
    attribute: str = ""
    op: str = "eq"
    value: str = ""
    value2: str = ""
    depth: int = field(default=0, compare=False)

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A rule as its builder shows it, every value as typed."""

    name: str
    when: Node
    action: str = ""
    queue: str = ""
    start: str = ""
    answer_from: str = ""


def blank() -> RuleForm:
    """Return the builder of a new rule: one empty condition."""
    return RuleForm(name="", when=Node("when", "all", (Node("when.0", depth=1),)))


def from_rule(rule: Mapping[str, Any]) -> RuleForm:
    """Show a stored rule."""
    then = rule.get("then") if isinstance(rule.get("then"), Mapping) else {}
    assert isinstance(then, Mapping)
    return RuleForm(
        name=str(rule.get("name") or ""),
        when=_root(_node(rule.get("when"), "when", 0)),
        action=str(then.get("action") or ""),
        queue=str(then.get("queue") or ""),
        start=str(then.get("start") or ""),
        answer_from=CONFIDENCE.show(then.get("answer_from")),
    )


def from_fields(fields: Mapping[str, str]) -> RuleForm:
    """Read what was posted, whatever it is."""
    then = {key: fields.get(f"then.{key}", "").strip() for key in ("action", "queue", "start", "answer_from")}
    budget = [MAX_NODES]
    return RuleForm(
        name=fields.get("name", "").strip(), when=_root(_posted(fields, "when", 0, budget)), **then
    )


def to_rule(
    form: RuleForm, was: Mapping[str, Any] | None = None, types: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the rule that a form describes; conditions that were not touched stay exactly as they were in `was`.

    `types`: what kind of value each attribute has in recent traffic (`number`, `text`, `boolean`).
    """
    old = was or {}
    rule: dict[str, Any] = {"id": old.get("id", ""), "name": form.name}
    if "enabled" in old:
        rule["enabled"] = old["enabled"]
    untouched = was is not None and from_rule(was).when == form.when
    rule["when"] = old["when"] if untouched and "when" in old else _condition(form.when, types or {})
    texts = {"action": form.action, "queue": form.queue, "start": form.start}
    rule["then"] = {key: text for key, text in texts.items() if text}
    if form.answer_from:
        rule["then"]["answer_from"] = CONFIDENCE.read(form.answer_from)
    return rule


def reshape(form: RuleForm, words: str) -> RuleForm:
    """Add or drop a line: `add:PATH` (a condition), `group:PATH` (a group), `drop:PATH`. Other words change nothing."""
    verb, _, path = words.partition(":")
    root = form.when
    if verb in ("add", "group"):
        root = _grown(root, path, verb)
    elif verb == "drop" and path != root.path:
        root = _without(root, path) or root
    return replace(form, when=_numbered(root, "when", 0))


def _grown(node: Node, path: str, verb: str) -> Node:
    if node.path == path and node.kind:
        leaf = Node("", depth=node.depth + 1)
        added = leaf if verb == "add" else Node("", kind="any", children=(leaf,))
        return replace(node, children=(*node.children, added))
    return replace(node, children=tuple(_grown(child, path, verb) for child in node.children))


def _without(node: Node, path: str) -> Node | None:
    if node.path == path:
        return None
    left = tuple(kept for child in node.children if (kept := _without(child, path)) is not None)
    return replace(node, children=left)


def _numbered(node: Node, path: str, depth: int) -> Node:
    children = tuple(_numbered(child, f"{path}.{i}", depth + 1) for i, child in enumerate(node.children))
    return replace(node, path=path, depth=depth, children=children)


def _root(node: Node) -> Node:
    """A builder starts with a group, so that there is always somewhere to add to."""
    return node if node.kind else _numbered(Node("when", "all", (node,)), "when", 0)


def _node(when: Any, path: str, depth: int) -> Node:
    if not isinstance(when, Mapping):
        return Node(path, depth=depth)
    for kind in ("all", "any"):
        if isinstance(when.get(kind), list):
            return _group(kind, when[kind], path, depth)
    if "not" in when:
        inner = when["not"]
        for kind in ("all", "any"):
            if isinstance(inner, Mapping) and isinstance(inner.get(kind), list):
                return _group(f"not-{kind}", inner[kind], path, depth)
        return _group("not-all", [inner], path, depth)
    return _test(when, path, depth)


def _group(kind: str, members: list[Any], path: str, depth: int) -> Node:
    children = tuple(_node(member, f"{path}.{index}", depth + 1) for index, member in enumerate(members))
    return Node(path, kind, children, depth=depth)


def _test(when: Mapping[str, Any], path: str, depth: int) -> Node:
    op, value, second = str(when.get("op") or "eq"), when.get("value"), ""
    if op == "between" and isinstance(value, list) and len(value) == 2:
        value, second = value[0], written(value[1])
    if op in _LISTS and isinstance(value, list):
        text = ", ".join(written(item, in_list=True) for item in value)
    elif op == "is_set":
        text = "false" if value is False else "true"
    else:
        text = str(value) if op in _TEXTS and isinstance(value, str) else written(value)
    return Node(
        path, attribute=str(when.get("attribute") or ""), op=op, value=text, value2=second, depth=depth
    )


def _posted(fields: Mapping[str, str], path: str, depth: int, budget: list[int]) -> Node:
    budget[0] -= 1
    kind = fields.get(f"{path}.kind")
    if kind is not None and depth < MAX_DEPTH:
        indices = sorted({int(i) for name in fields if (i := _child(name, path)) is not None})
        children = tuple(
            _posted(fields, f"{path}.{index}", depth + 1, budget) for index in indices if budget[0] > 0
        )
        return _numbered(Node(path, kind if kind in KINDS else "all", children), path, depth)
    attribute, value, value2 = (
        fields.get(f"{path}.{key}", "").strip() for key in ("attribute", "value", "value2")
    )
    op = fields.get(f"{path}.op") or "eq"
    return Node(path, attribute=attribute, op=op, value=value, value2=value2, depth=depth)


def _child(name: str, path: str) -> str | None:
    """Return the index under `path` that a field's name belongs to."""
    if not name.startswith(f"{path}."):
        return None
    index = name[len(path) + 1 :].partition(".")[0]
    return index if index.isascii() and index.isdigit() and len(index) < 5 else None


def _condition(node: Node, types: Mapping[str, str]) -> dict[str, Any]:
    if not node.kind:
        return _typed(node, types)
    members = [_condition(child, types) for child in node.children]
    if not node.kind.startswith("not-"):
        return {node.kind: members}
    lone = node.kind == "not-all" and len(members) == 1 and not node.children[0].kind
    return {"not": members[0] if lone else {node.kind.removeprefix("not-"): members}}


def _typed(node: Node, types: Mapping[str, str]) -> dict[str, Any]:
    test: dict[str, Any] = {"attribute": node.attribute, "op": node.op}
    kind = "number" if node.op in _NUMBERS else types.get(node.attribute, "")
    if node.op == "is_set":
        test["value"] = node.value != "false"
    elif node.op in _TEXTS:
        test["value"] = node.value
    elif node.op in _LISTS:
        test["value"] = [typed(item, kind) for item in split(node.value)]
    elif node.op == "between":
        test["value"] = [typed(node.value, kind), typed(node.value2, kind)]
    else:
        test["value"] = typed(node.value, kind)
    return test


def split(text: str) -> list[str]:
    """Split a list at its commas, not at those in quotes; the quotes stay, as they make a value text."""
    parts: list[str] = []
    start, quoted = 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def typed(text: str, kind: str = "") -> Any:
    """Read a value: in quotes it is text, else what the attribute's kind says, else what it looks like."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    if kind == "text":
        return text
    if kind != "number" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return number(text) if kind == "number" or _looks_like_a_number(text) else text


def written(value: Any, *, in_list: bool = False) -> str:
    """Write a value so that reading it gives the same again: text that looks like a number stands in quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return plain(value)
    if not isinstance(value, str):
        return json.dumps(value)
    ambiguous = typed(value) != value or (in_list and ("," in value or '"' in value))
    return '"' + value.replace('"', '""') + '"' if ambiguous or value != value.strip() or not value else value


def _looks_like_a_number(text: str) -> bool:
    return bool(text) and text[0] in "0123456789+-.$" and is_number(number(text))
