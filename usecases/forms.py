"""Parse and validate what people type. Forms never save: the action does, and its refusals come back as errors."""

import json
import re
import unicodedata
from typing import Any

from django import forms

from usecases.models import SLUG, TIERS, UseCase
from usecases.starting_points import STARTING_POINTS

RISKS = [(tier, tier.capitalize()) for tier in TIERS]


def slug_of(name: str) -> str:
    """Suggest a short name: “Claims summary” → “claims-summary”."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")


class AboutUseCase(forms.Form):
    """What a use case is called, who owns it, and how much is at risk."""

    name = forms.CharField(
        max_length=120, error_messages={"required": "Give it a name that its owner would use."}
    )
    owner = forms.CharField(
        max_length=120, error_messages={"required": "Name the desk that owns the outcome."}
    )
    risk = forms.ChoiceField(choices=RISKS, initial="medium")
    description = forms.CharField(max_length=2000, required=False)


class NewUseCase(AboutUseCase):
    """A use case to be: what it is called, who owns it, and the document it starts from."""

    slug = forms.CharField(max_length=80, required=False)
    start = forms.ChoiceField(
        choices=[(key, start.name) for key, start in STARTING_POINTS.items()], initial="one"
    )
    document = forms.CharField(required=False, max_length=600_000)

    def clean_slug(self) -> str:
        """Take the typed short name, or make one of the name."""
        slug = str(self.cleaned_data["slug"]).strip() or slug_of(str(self.cleaned_data.get("name", "")))
        if slug:
            SLUG(slug)
            if UseCase.objects.filter(slug=slug).exists():
                raise forms.ValidationError(
                    f"There is a use case “{slug}” already. Choose another short name."
                )
        elif self.cleaned_data.get("name"):
            raise forms.ValidationError("Give a short name in Latin letters; none could be made of the name.")
        return slug

    def clean_document(self) -> dict[str, Any] | None:
        """Read a pasted document; none where the field is empty."""
        text = str(self.cleaned_data["document"]).strip()
        if not text:
            return None
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from None
        if not isinstance(document, dict):
            raise forms.ValidationError('A config document is a JSON object, such as {"schema": 1, …}.')
        return document

    def fields_of_action(self) -> dict[str, Any]:
        """Return what the action asks for."""
        typed = self.cleaned_data
        document = typed["document"] or STARTING_POINTS[typed["start"]].document
        plain = {name: typed[name] for name in ("slug", "name", "owner", "risk", "description")}
        return {**plain, "document": document}
