"""Rules' conditions, made once into one generated function: the first rule that holds for a request.

An operator says something about a value that is there and of a fitting type. A missing value, null, or a value of
another type satisfies no operator, `ne` and `not_in` included; whoever wants the missing ones too writes
`{"not": {… "op": "eq" …}}` or `is_set`. Texts compare exactly, case included. Numbers are ints and floats, never
booleans; NaN is no number. `between` includes both ends. `matches` finds the RE2 pattern anywhere in the text.

The generated source is built from our own templates and from names (`k0`, `a1`) bound to values. No text of a
document is ever part of it, and it sees no builtins.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import re2

from routing.engine.schema import AllOf, AnyOf, Comparison, Not, When

Match = Callable[[Mapping[str, object]], int]

NOT_A_NUMBER = float("nan")
# RE2 runs in linear time whatever the pattern; the bound keeps one pattern from eating an assistant's memory.
PATTERN_MEMORY = 1 << 20


def number(value: object) -> float:
    """Return the value where it is a number, else NaN, which no comparison accepts."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return NOT_A_NUMBER


def text(value: object) -> str | None:
    """Return the value where it is text, else None."""
    return value if isinstance(value, str) else None


@lru_cache(maxsize=256)
def pattern(source: str) -> Callable[[str], bool]:
    """Compile an RE2 pattern into a search. Raises `re2.error` for a pattern that RE2 does not take."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    compiled = re2.compile(source, options)

    def found(value: str) -> bool:
        # As bytes: RE2 would refuse a lone surrogate, and need not count characters that nobody asks for.
        return compiled.search(value.encode("utf-8", "replace")) is not None

    return found


def compile_match(whens: Sequence[When]) -> Match:
    """Return a function from attributes to the index of the first condition that holds, -1 where none does."""
    source = _Source()
    tests = [f"    if {source.expression(when)}:\n        return {i}\n" for i, when in enumerate(whens)]
    head = ["def match(context):\n", "    get = context.get\n", *source.loads()]
    code = compile("".join([*head, *tests, "    return -1\n"]), "<rules>", "exec")
    namespace: dict[str, Any] = {"__builtins__": {}, **source.names}
    exec(code, namespace)  # noqa: S102 (our templates and bound names only, see above)
    match: Match = namespace["match"]
    return match


class _Source:
    """Collects expressions, the constants they are bound to, and the attributes they read."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"type": type, "float": float, "int": int, "str": str}
        self.names |= {"number": number, "text": text}
        self._attributes: dict[str, int] = {}
        self._views: dict[str, str] = {}

    def bind(self, value: object) -> str:
        """Give a constant a name."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def raw(self, attribute: str) -> str:
        """Name the variable that holds an attribute as it came; None where it is missing."""
        return f"a{self._attributes.setdefault(attribute, len(self._attributes))}"

    def number(self, attribute: str) -> str:
        """Name the variable that holds an attribute as a number; NaN where it is none."""
        raw = self.raw(attribute)
        name = raw.replace("a", "n")
        self._views[name] = f"{raw} if type({raw}) is float or type({raw}) is int else number({raw})"
        return name

    def text(self, attribute: str) -> str:
        """Name the variable that holds an attribute as text; None where it is none."""
        raw = self.raw(attribute)
        name = raw.replace("a", "t")
        self._views[name] = f"{raw} if type({raw}) is str else text({raw})"
        return name

    def loads(self) -> Iterable[str]:
        """Return the lines that read the attributes, each once."""
        for attribute, index in self._attributes.items():
            yield f"    a{index} = get({self.bind(attribute)})\n"
        for name, view in self._views.items():
            yield f"    {name} = {view}\n"

    def expression(self, when: When) -> str:
        """Return the source of one condition, in parentheses."""
        if isinstance(when, AllOf):
            return "(" + (" and ".join(map(self.expression, when.all)) or "True") + ")"
        if isinstance(when, AnyOf):
            return "(" + (" or ".join(map(self.expression, when.any)) or "False") + ")"
        if isinstance(when, Not):
            return f"(not {self.expression(when.negated)})"
        return f"({_OPERATORS[when.op](self, when)})"


def _equal(source: _Source, wanted: Comparison) -> str:
    return _one_of(source, wanted.attribute, [wanted.value])


def _not_equal(source: _Source, wanted: Comparison) -> str:
    return _none_of(source, wanted.attribute, [wanted.value])


def _in(source: _Source, wanted: Comparison) -> str:
    return _one_of(source, wanted.attribute, wanted.value)


def _not_in(source: _Source, wanted: Comparison) -> str:
    return _none_of(source, wanted.attribute, wanted.value)


def _one_of(source: _Source, attribute: str, values: Sequence[object]) -> str:
    """Compare within the type: `true` is not 1, and "1" is neither."""
    texts, numbers, flags = _by_type(values)
    parts = [f"{source.raw(attribute)} is {source.bind(flag)}" for flag in flags]
    if len(texts) == 1:
        parts.append(f"{source.text(attribute)} == {source.bind(texts[0])}")
    elif texts:
        parts.append(f"{source.text(attribute)} in {source.bind(frozenset(texts))}")
    if len(numbers) == 1:
        parts.append(f"{source.number(attribute)} == {source.bind(numbers[0])}")
    elif numbers:
        parts.append(f"{source.number(attribute)} in {source.bind(frozenset(numbers))}")
    return " or ".join(parts)


def _none_of(source: _Source, attribute: str, values: Sequence[object]) -> str:
    """Hold for a value of one of the listed types that is not listed; NaN equals not even itself."""
    texts, numbers, flags = _by_type(values)
    parts = []
    if texts:
        name = source.text(attribute)
        parts.append(f"({name} is not None and {name} not in {source.bind(frozenset(texts))})")
    if numbers:
        name = source.number(attribute)
        parts.append(f"({name} == {name} and {name} not in {source.bind(frozenset(numbers))})")
    if len(flags) == 1:
        parts.append(f"{source.raw(attribute)} is {source.bind(not flags[0])}")
    return " or ".join(parts) or "False"


def _by_type(values: Sequence[object]) -> tuple[list[str], list[float], list[bool]]:
    """Sort listed values into texts, numbers and booleans."""
    texts = [value for value in values if isinstance(value, str)]
    flags = [flag for flag in (True, False) if any(value is flag for value in values)]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return texts, numbers, flags


def _comparison(sign: str) -> Callable[[_Source, Comparison], str]:
    def expression(source: _Source, wanted: Comparison) -> str:
        return f"{source.number(wanted.attribute)} {sign} {source.bind(wanted.value)}"

    return expression


def _between(source: _Source, wanted: Comparison) -> str:
    low, high = wanted.value
    return f"{source.bind(low)} <= {source.number(wanted.attribute)} <= {source.bind(high)}"


def _contains(source: _Source, wanted: Comparison) -> str:
    name = source.text(wanted.attribute)
    return f"{name} is not None and {source.bind(wanted.value)} in {name}"


def _starts_with(source: _Source, wanted: Comparison) -> str:
    name = source.text(wanted.attribute)
    return f"{name} is not None and {name}.startswith({source.bind(wanted.value)})"


def _matches(source: _Source, wanted: Comparison) -> str:
    name = source.text(wanted.attribute)
    return f"{name} is not None and {source.bind(pattern(wanted.value))}({name})"


def _is_set(source: _Source, wanted: Comparison) -> str:
    return f"{source.raw(wanted.attribute)} is {'None' if wanted.value is False else 'not None'}"


_OPERATORS: dict[str, Callable[[_Source, Comparison], str]] = {
    "eq": _equal,
    "ne": _not_equal,
    "in": _in,
    "not_in": _not_in,
    "lt": _comparison("<"),
    "lte": _comparison("<="),
    "gt": _comparison(">"),
    "gte": _comparison(">="),
    "between": _between,
    "contains": _contains,
    "starts_with": _starts_with,
    "matches": _matches,
    "is_set": _is_set,
}
