"""What risk asks for, beside the guardrails that a use case has already."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from usecases.models import UseCase


def ask_for(use_case: "UseCase", by: "User", *, lanes: list[str] | None = None, **terms: Any) -> "UseCase":
    """Set terms or shared lanes and leave everything else as it stands; return the use case as read anew."""
    from usecases.actions import guardrails
    from usecases.models import UseCase

    held = UseCase.objects.get(pk=use_case.pk).guardrail
    bounds: dict[str, Any] = {"knobs": held.knobs, "approved_models": held.approved_models}
    guardrails.set_limits(use_case=use_case, by=by, terms=terms, lanes=lanes, **bounds)
    return UseCase.objects.get(pk=use_case.pk)
