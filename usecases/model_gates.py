"""Which models may be asked, at which addresses, in which regions. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from usecases import places
from usecases.gate import Document, Gate, entries

ENDPOINT: Final = "endpoint"
REGION: Final = "region"
_NONE: Final = "none: the lanes that hold here have none in common"


def model_gates(guardrails: Mapping[str, Any], live: Document | None, draft: Document) -> Iterator[Gate]:
    """Judge every model of a draft."""
    nothing = guardrails.get("nothing") or []
    models = entries(draft, "models")
    for check, key in ((_approved, "models"), (_placed, "endpoints"), (_located, "regions")):
        if guardrails.get(key) or key in nothing:
            for index, model in enumerate(models):
                yield from check(guardrails, index, model, live)


def _approved(
    guardrails: Mapping[str, Any], index: int, model: dict[str, Any], live: Document | None
) -> Iterator[Gate]:
    """Judge a model where risk has approved some. An approved name at a new address is another model: it would be sent
    customers' texts, and the provider's key.
    """
    approved = guardrails["models"]
    known = [(one.get("litellm"), one.get("api_base")) for one in entries(live or {}, "models")]
    name, address = model.get("litellm"), model.get("api_base")
    if name not in approved:
        words = f"The model “{name}” is not approved here. Approved: {', '.join(approved) or _NONE}."
        yield Gate(f"models[{index}].litellm", "shut", words)
    elif live is not None and address and (name, address) not in known:
        words = f"The model “{name}” would be asked at {address}, which is not its address now."
        yield Gate(f"models[{index}].api_base", "lane", words)


def _placed(
    guardrails: Mapping[str, Any], index: int, model: dict[str, Any], live: Document | None
) -> Iterator[Gate]:
    named, address, allowed = model.get("name"), model.get("api_base"), guardrails["endpoints"]
    if address and places.allowed(address, allowed):
        return
    where = (
        f"would be asked at {address}, which is not an approved endpoint."
        if address
        else "has no address of its own, so it would be asked wherever the assistant's settings say."
    )
    words = f"The model “{named}” {where} Approved: {', '.join(allowed) or _NONE}."
    yield Gate(f"models[{index}].api_base", "shut", words, ENDPOINT)


def _located(
    guardrails: Mapping[str, Any], index: int, model: dict[str, Any], live: Document | None
) -> Iterator[Gate]:
    allowed = guardrails["regions"]
    region = places.region(model, guardrails.get("model_regions") or {})
    if region and region in allowed:
        return
    named, subject = model.get("name"), model.get("api_base") or model.get("litellm")
    where = (
        f"is in {region}."
        if region
        else f"is in a region that nobody has stated ({subject}), so it is refused."
    )
    words = f"The model “{named}” {where} Allowed: {', '.join(allowed) or _NONE}."
    field = "api_base" if model.get("api_base") else "litellm"
    yield Gate(f"models[{index}].{field}", "shut", words, REGION)
