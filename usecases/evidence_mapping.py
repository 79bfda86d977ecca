"""What frameworks ask for, in plain words, which files of an evidence pack answer that, and what no pack shows.

The words are ours, not the standards'; the numbers are theirs. Whether a duty is met is for an auditor to say: a pack
is evidence for some of it, and each row says for what not.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from audit import pack

NIST: Final = "NIST AI RMF 1.0"
AI_ACT: Final = "EU AI Act (2024/1689)"
ISO: Final = "ISO/IEC 42001:2023, Annex A"
AISVS: Final = "OWASP AISVS 1.0"


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement: in words, what of a pack answers it, in which files, and what a pack does not show."""

    framework: str
    clause: str
    asks: str
    answer: str
    files: tuple[str, ...]
    missing: str


ROWS: Final = (
    Row(
        NIST,
        "GOVERN 1.4, 2.1, 3.2",
        "Risk management follows set policies; roles and responsibilities for people and AI together are documented.",
        "The limits that risk has set and who set them; who submitted, approved, vetoed and stopped what.",
        ("guardrails.json", "lanes.json", "access.json", "changes/"),
        "Policies beyond these limits, training, and whether people were qualified.",
    ),
    Row(
        NIST,
        "MAP 1.1, 3.5",
        "Purpose, users and context are understood and written down; so is how people oversee the system.",
        "The one-pager, where there is one; the escalation rules and queues in each version's document.",
        ("one-pager.json", "versions/"),
        "Whether the one-pager is true; impacts on people outside of the use case.",
    ),
    Row(
        NIST,
        "MEASURE 2.3, 2.4",
        "Performance is measured under conditions like those in use; behaviour is monitored in production.",
        "What each change would have done to past decisions, certificates with their labels and bounds, counts of "
        "decisions by version and action.",
        ("changes/", "certificates.json", "impacts/", "decisions.json", "golden_sets.json"),
        "The decisions themselves, their texts and attributes; fairness, robustness and security tests.",
    ),
    Row(
        NIST,
        "MANAGE 2.4",
        "There are means, and people responsible, to override, disengage or deactivate a system.",
        "Each stop: when it was clicked, published, confirmed by assistants, and how it ended; each override.",
        ("kills.json", "overrides.json", pack.EVENTS),
        "Drills: none are recorded. Each assistant's own time: the last confirmation is kept.",
    ),
    Row(
        NIST,
        "MANAGE 4.1 to 4.3",
        "Monitoring, response, recovery and change management go on in operation; incidents are told of.",
        "Every version with its reason; vetoes, reverts and restores; what was erased and by whom.",
        ("versions/", "diffs/", "changes/", pack.EVENTS),
        "Notices to people outside; appeals of those concerned.",
    ),
    Row(
        AI_ACT,
        "Article 12",
        "High-risk systems record events automatically over their lifetime, so that operation can be traced.",
        "Every event of the period, chained and signed; versions that each decision can be traced to by number.",
        (pack.EVENTS, pack.CHAIN, pack.CHECKPOINTS, "versions/", "decisions.json"),
        "The log of single decisions, which the console holds and the pack only counts; times of each use.",
    ),
    Row(
        AI_ACT,
        "Article 14",
        "People can oversee the system in use: understand it, decide not to use it, override it, stop it.",
        "Approvals by others than the author, review and escalation rules, overrides, stops with their times.",
        ("changes/", "overrides.json", "kills.json", "versions/"),
        "Whether those people understood what they saw, or over-relied on it.",
    ),
    Row(
        AI_ACT,
        "Article 19",
        "Providers keep the automatically generated logs for a fitting time, six months at least.",
        "The period's events as they stood when the pack was made, in a form whose changes are found.",
        (pack.EVENTS, pack.CHAIN, pack.CHECKPOINTS, pack.MANIFEST),
        "That events outside of the period are kept; that the installation keeps anything tomorrow.",
    ),
    Row(
        AI_ACT,
        "Article 26 (1), (2), (5), (6)",
        "Deployers use the system as instructed, have competent people oversee it, monitor it, and keep its logs.",
        "Who held which role in each act; limits that instructions were turned into; the events kept.",
        ("guardrails.json", "access.json", "changes/", pack.EVENTS),
        "Competence, training and support of people; the provider's instructions; notices to workers.",
    ),
    Row(
        ISO,
        "A.6.2.6",
        "Operation and monitoring of the system are defined: performance, errors, changes, repairs, support.",
        "Versions, their reasons and how long each took to reach assistants; promise, certificates, counts.",
        ("versions/", "promise.json", "certificates.json", "kills.json", "decisions.json"),
        "Support processes and service levels outside of the console.",
    ),
    Row(
        ISO,
        "A.6.2.8",
        "It is decided where in the life cycle event logs are kept; they are kept at least while in use.",
        "The event log of the period with the proof that nothing in it was changed.",
        (pack.EVENTS, pack.CHAIN, pack.CHECKPOINTS, pack.SEGMENT),
        "Logs of models' providers and of the systems that call the assistants.",
    ),
    Row(
        AISVS,
        "C14.1",
        "A stop exists that halts the model's answers at once, with steps between full use and none; it is tested.",
        "Each stop and each half step (everything reviewed), with the seconds until the last assistant confirmed.",
        ("kills.json", "versions/"),
        "Tests at a set frequency: no drills are recorded. Channels outside of the assistants' own.",
    ),
    Row(
        AISVS,
        "C14.2",
        "What needs a person's approval is set down; without one in time, nothing happens.",
        "Terms in the guardrails (approvals, approvers, days until expiry); changes that expired or were vetoed.",
        ("guardrails.json", "lanes.json", "changes/"),
        "Approval of single answers, which the assistants' queues hold.",
    ),
    Row(
        AISVS,
        "C14.3",
        "Stops, half steps and overrides are logged: who, through what, why, before and after, when.",
        "One event for each, with actor, entry point, reason, old and new state and time, sealed in the record.",
        (pack.EVENTS, "kills.json", "overrides.json"),
        "Actions on the assistants' machines that went around the console.",
    ),
)


def as_json() -> list[dict[str, Any]]:
    """Return the mapping as the pack carries it."""
    return [asdict(row) | {"files": list(row.files)} for row in ROWS]
