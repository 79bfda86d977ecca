"""The last good envelope of each use case, on disk.

Read back with the same checks as one from the wire: the file may have been damaged or exchanged.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routing.runtime.disk import set_aside, write_atomically

log = logging.getLogger(__name__)


class EnvelopeCache:
    """One file a use case, under the cache directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "configs"

    def write(self, use_case: str, envelope: Mapping[str, Any]) -> None:
        """Keep an envelope as the last good one. Raises OSError."""
        write_atomically(self._path(use_case), json.dumps(envelope).encode())

    def read(self, use_case: str) -> dict[str, Any] | None:
        """Return the kept envelope, unchecked; an unreadable file is set aside and counts as none."""
        try:
            envelope = json.loads(self._path(use_case).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            log.warning("cached config of %s is unreadable (%s); set aside", use_case, error)
            self.discard(use_case)
            return None
        if isinstance(envelope, dict):
            return envelope
        self.discard(use_case)
        return None

    def discard(self, use_case: str) -> None:
        """Set aside a kept envelope that does not hold."""
        set_aside(self._path(use_case))

    def _path(self, use_case: str) -> Path:
        # A slug is letters, digits and dashes; anything else must not walk out of the directory.
        safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in use_case)
        return self._directory / f"{safe}.json"
