"""The config that one use case holds, and what of it is enforced now.

An envelope is checked whole (signature, digest, document) before a single reference is swapped; whatever
fails leaves the last good one in force.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from routing.engine.baseline import BUILT_IN
from routing.engine.decide import Compiled, compile_document
from routing.engine.envelope import EnvelopeRefused, verify
from routing.runtime.keys import PinnedKeys
from routing.runtime.lease import Contact

log = logging.getLogger(__name__)

Source = Literal["stream", "poll", "cache", "lease", "built_in"]


@dataclass(frozen=True, slots=True)
class Held:
    """One version, compiled, with its baseline beside it; never changed once made."""

    envelope: Mapping[str, Any] | None
    version: int
    compiled: Compiled
    fallback: Compiled
    lease_seconds: float
    then: str
    source: Source

    @property
    def digest(self) -> str:
        """Digest of what this version tells an assistant to enforce."""
        return self.compiled.digest


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an offered envelope; the content of an ack."""

    status: Literal["applied", "refused"]
    version: int
    digest: str
    error: str = ""
    swapped: bool = False


def built_in() -> Held:
    """Return what an assistant runs that has never heard of its use case: the default baseline."""
    compiled = compile_document(BUILT_IN, version=0, state="baseline", baseline=BUILT_IN, message="")
    return Held(None, 0, compiled, compiled, 0.0, "hold", "built_in")


class HeldConfig:
    """The config of one use case in this process."""

    def __init__(self, use_case: str, contact: Contact, pinned: PinnedKeys) -> None:
        self.use_case = use_case
        self.held = built_in()
        self._contact = contact
        self._pinned = pinned

    def enforced(self) -> Compiled:
        """Return what is in force now: the held version, or its baseline once the lease has run out."""
        held = self.held
        return held.fallback if self._alone(held) else held.compiled

    def source(self) -> Source:
        """Say where what is enforced comes from."""
        return "lease" if self._alone(self.held) else self.held.source

    def _alone(self, held: Held) -> bool:
        return held.then == "baseline" and self._contact.age() > held.lease_seconds

    def offer(self, envelope: object, source: Source) -> Verdict:
        """Check an envelope and, where it is good and newer, put it in force.

        Never raises for what an envelope holds: a refusal is a verdict.
        """
        held = self.held
        version, digest = _claims(envelope)
        if held.envelope is not None and envelope == held.envelope:
            return Verdict("applied", held.version, held.digest)
        try:
            offered = self._compile(envelope, source)
        except Exception as error:  # whatever a bad envelope brings up, the last good one stays
            log.warning("refused a config of %s: %s", self.use_case, error)
            return Verdict("refused", version, digest, str(error)[:500] or type(error).__name__)
        if held.envelope is not None and offered.version < held.version:
            return Verdict("refused", version, digest, f"older than held version {held.version}")
        if held.envelope is not None and offered.version == held.version:
            if offered.digest == held.digest:
                return Verdict("applied", held.version, held.digest)
            return Verdict("refused", version, digest, f"differs from held version {held.version}")
        self.held = offered
        log.info("%s holds version %d (%s)", self.use_case, offered.version, source)
        return Verdict("applied", offered.version, offered.digest, swapped=True)

    def _compile(self, envelope: object, source: Source) -> Held:
        if not isinstance(envelope, dict):
            raise EnvelopeRefused("the envelope is not a JSON object")
        if envelope.get("use_case") != self.use_case:
            raise EnvelopeRefused("the envelope is for another use case")
        verify(envelope, self._pinned.keys)
        version, baseline, message = envelope["version"], envelope["baseline"], envelope["message"]
        document = envelope["document"]
        compiled = compile_document(
            document, version=version, state=envelope["state"], baseline=baseline, message=message
        )
        if compiled.digest != envelope["digest"]:
            raise EnvelopeRefused("the digest is not that of what would be enforced")
        fallback = compile_document(
            document, version=version, state="baseline", baseline=baseline, message=message
        )
        then = str((document.get("lease") or {}).get("then", "baseline"))
        seconds = float(envelope["lease_seconds"])
        return Held(envelope, version, compiled, fallback, seconds, then, source)


def _claims(envelope: object) -> tuple[int, str]:
    # What an unchecked envelope says of itself, only to name it in a refusal.
    if not isinstance(envelope, dict):
        return 0, ""
    version, digest = envelope.get("version"), envelope.get("digest")
    plain = version if isinstance(version, int) and not isinstance(version, bool) else 0
    return plain if 0 <= plain < 2**31 else 0, digest[:64] if isinstance(digest, str) else ""
