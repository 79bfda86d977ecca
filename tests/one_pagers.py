"""A one-pager with every answer, that tests start from."""

from typing import Any, Final

ANSWERS: Final[dict[str, str]] = {
    "problem": "Claims wait two days for a first answer.",
    "users": "Claims handlers; customers who report a claim.",
    "kpi": "Time to first answer",
    "kpi_unit": "hours",
    "kpi_direction": "lower",
    "kpi_baseline": "46",
    "kpi_target": "4",
    "hypothesis": "If assistants answer the plain half, handlers get to the rest the same day.",
    "time_box": "2099-03-31",
    "guardrails": "Never settles; injuries always go to people.",
    "data_sources": "Claims file, policy wording.",
    "residency": "EU only",
    "kill_criteria": "More than 2% wrong answers in a week.",
    "risk_why": "A wrong answer delays a payment; people correct it within a day.",
    "personal_data": "yes",
}
DPIA: Final[dict[str, str]] = {
    "categories": "Name, policy number, description of the damage.",
    "people": "Policy holders and third parties.",
    "lawful_basis": "contract",
    "necessity": "Without the description nothing can be answered.",
    "retention": "90 days, deleted by the nightly job.",
    "recipients": "Claims desk; the model's provider as processor.",
    "transfers": "None",
    "automated": "person",
    "risks": "A wrong answer; a text read by somebody else.",
    "measures": "Audits of 5%; contract with the provider.",
    "consultation": "The data protection officer agreed in October.",
}


def one_pager(**answers: str | None) -> dict[str, Any]:
    """Return the full one-pager, with other answers where given; None leaves one out."""
    told = {**ANSWERS, **answers}
    return {"answers": {key: text for key, text in told.items() if text is not None}, "dpia": dict(DPIA)}
