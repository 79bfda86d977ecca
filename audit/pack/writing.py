"""Write a pack: the same files make the same bytes, and the manifest signs every one of them."""

import zipfile
from collections.abc import Iterable
from hashlib import sha256
from typing import IO, Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import canonical
from audit.pack import FORMAT, MANIFEST
from audit.verify import key_id

NO_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the zip says nothing of when it was made: the manifest does
UNIX, READABLE = 3, 0o100644 << 16
GATHERED: Final = 1 << 16


class Writer:
    """A zip under way. What is written is hashed as it goes by: nothing is held or read twice.

    Left half way it is closed as it is, before the file below it: else it would try to end itself some time later.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.files: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._zip.close()

    def text(self, name: str, text: str) -> None:
        """Add a text file."""
        self.blocks(name, [text.encode()])

    def json(self, name: str, value: Any) -> None:
        """Add a JSON file in canonical spelling."""
        self.blocks(name, [canonical(value) + b"\n"])

    def lines(self, name: str, values: Iterable[Any]) -> int:
        """Add a file with one JSON value a line; return how many there were."""
        count = 0

        def counted() -> Iterable[bytes]:
            nonlocal count
            for value in values:
                count += 1
                yield (value if isinstance(value, bytes) else canonical(value)) + b"\n"

        self.blocks(name, counted())
        return count

    def blocks(self, name: str, blocks: Iterable[bytes]) -> None:
        """Add a file piece by piece."""
        info = zipfile.ZipInfo(name, NO_TIME)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, UNIX, READABLE
        size, found, gathered = 0, sha256(), bytearray()
        with self._zip.open(info, "w") as stream:
            for block in blocks:
                gathered += block
                if len(gathered) >= GATHERED:
                    size += self._put(stream, found, gathered)
            size += self._put(stream, found, gathered)
        self.files.append({"name": name, "size": size, "sha256": found.hexdigest()})

    @staticmethod
    def _put(stream: IO[bytes], found: Any, gathered: bytearray) -> int:
        size = len(gathered)
        found.update(gathered)
        stream.write(gathered)
        gathered.clear()
        return size

    def close(self, about: dict[str, Any], key: Ed25519PrivateKey) -> tuple[dict[str, Any], str]:
        """Sign the manifest, write it last and end the zip; return the manifest and its SHA-256."""
        files = sorted(self.files, key=lambda one: str(one["name"]))
        said = {"format": FORMAT, **about, "files": files, "key_id": key_id(key.public_key())}
        signed = said | {"signature": key.sign(canonical(said)).hex()}
        self.json(MANIFEST, signed)
        self._zip.close()
        return signed, str(self.files[-1]["sha256"])
