"""What owners and risk reviewers work on. The machines' side of a use case is `routing.Target`, by slug."""

from usecases.models.access import (
    AccessReview,
    AccessReviewLine,
    BusinessUnit,
    Delegation,
    UnitGroup,
    UnitUseCase,
)
from usecases.models.changes import Approval, Change, Override, Remark
from usecases.models.evidence import Certificate, KeptImpact, Promise, Upload
from usecases.models.lanes import GoldenSet, Lane
from usecases.models.one_pagers import OnePager
from usecases.models.use_cases import SLUG, TIERS, Draft, DraftStep, Guardrail, UseCase, Version

__all__ = [
    "SLUG",
    "TIERS",
    "AccessReview",
    "AccessReviewLine",
    "Approval",
    "BusinessUnit",
    "Certificate",
    "Change",
    "Delegation",
    "Draft",
    "DraftStep",
    "GoldenSet",
    "Guardrail",
    "KeptImpact",
    "Lane",
    "OnePager",
    "Override",
    "Promise",
    "Remark",
    "UnitGroup",
    "UnitUseCase",
    "Upload",
    "UseCase",
    "Version",
]
