"""Evidence packs: what happened to one use case in a period, in one zip that proves itself away from the product.

`writing` makes the zip and signs its manifest; `segment` reads events and chain out of the database. The rest checks a
pack with the standard library and `cryptography` alone: `python -m audit.verify PACK.zip`. What stands in the files
beside the record's own is the caller's to gather; `contents` knows those that the record can vouch for.
"""

from typing import Final

FORMAT: Final = "evidence-pack/1"
MANIFEST: Final = "manifest.json"
KEY: Final = "public_key.txt"
EVENTS: Final = "events.jsonl"
EARLIER: Final = "proofs/earlier.jsonl"
CHAIN: Final = "chain.jsonl"
CHECKPOINTS: Final = "checkpoints.jsonl"
SEGMENT: Final = "proofs/segment.json"
CONSISTENCY: Final = "proofs/consistency.json"
# What every pack holds, whether there was anything to tell or not.
ALWAYS: Final = (
    "README.txt",
    "access.json",
    "certificates.json",
    CHAIN,
    CHECKPOINTS,
    "decisions.json",
    EVENTS,
    "golden_sets.json",
    "guardrails.json",
    "kills.json",
    "lanes.json",
    "mapping.json",
    "overrides.json",
    "promise.json",
    EARLIER,
    CONSISTENCY,
    SEGMENT,
    KEY,
    "summary.html",
)
