"""What `decide` gives back."""

from dataclasses import dataclass, replace
from typing import Any

from routing.engine.schema import Action


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens with one request, and why.

    `band` is the band that judged the confidence, None where none was asked. `rule` is the id of the first rule that
    matched, whatever decided in the end. `audit_share` is the probability with which an answer had to be audited, 0
    where nothing was drawn. `reason` is OpenFeature's word, `detail` the sentence for people.
    """

    action: Action
    model: str | None
    band: str | None
    rule: str | None
    queue: str | None
    reason: str
    detail: str
    version: int
    digest: str
    audited: bool = False
    audit_share: float = 0.0
    holdout: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON takes it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do before a model is asked: nothing more (`decided`), or which models to ask, in this order.

    `rungs` are `(model, accept_from)`: below `accept_from` the next one is asked; the last one's answer stands.
    """

    decided: Decision | None
    rungs: tuple[tuple[str, float], ...] = ()


class Verdict(dict[str | None, Decision]):
    """One possible outcome of a document; `verdict[model]` is the decision with that model's name.

    Decisions are immutable, so each is made once and shared: making one takes longer than reaching it. Only the
    document's own models are kept, since other names come from callers and have no end.
    """

    __slots__ = ("base", "models")

    def __init__(self, base: Decision, models: frozenset[str]) -> None:
        super().__init__({None: base})
        self.base = base
        self.models = models

    def __missing__(self, model: str | None) -> Decision:
        made = replace(self.base, model=model)
        if model in self.models:
            self[model] = made
        return made
