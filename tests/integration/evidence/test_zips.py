"""A zip that could deceive or overwhelm whoever reads it is not looked into."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.keys import audit_key
from audit.pack.verification import verify
from tests.integration.evidence.packs import (
    Lived,
    expect_fault,
)

pytestmark = pytest.mark.django_db  # for the month; packs need no database


def add(file: Path, name: str, content: bytes = b"{}") -> None:
    with zipfile.ZipFile(file, "a") as zipped, pytest.warns() if name in zipped.namelist() else _quiet():
        zipped.writestr(zipfile.ZipInfo(name), content)


def _quiet() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def commented(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.comment = b"trust me"


def entry_commented(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.getinfo("kills.json").comment = b"trust me"
        zipped.comment = b""


def encrypted(file: Path) -> None:
    """Say in the directory that the first file is encrypted."""
    raw = bytearray(file.read_bytes())
    place = raw.index(b"PK\x01\x02") + 8
    raw[place : place + 2] = struct.pack("<H", 1)
    file.write_bytes(raw)


def renamed_inside(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b"summary.html", b"summary.htmx", 1))


def misspelled(file: Path) -> None:
    """Say in the directory that the first name is UTF-8, and spell none."""
    raw = bytearray(file.read_bytes())
    place = raw.index(b"PK\x01\x02")
    raw[place + 8 : place + 10] = struct.pack("<H", 0x800)
    raw[place + 46] = 0xA9
    file.write_bytes(raw)


def linked(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as zipped:
        link = zipfile.ZipInfo("readme.html")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        zipped.writestr(link, "../../etc/passwd")


ZIPS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "a name is none": (misspelled, "", "cannot be read"),
    "a file is a link": (linked, "readme.html", "is no plain file"),
    "it is cut off": (lambda file: file.write_bytes(file.read_bytes()[:-2000]), "", "cannot be read"),
    "a file stands in it twice": (lambda file: add(file, "events.jsonl"), "events.jsonl", "stands in the zip twice"),
    "and in other letters": (lambda file: add(file, "Events.jsonl"), "Events.jsonl", "stands in the zip twice"),
    "a file would be written elsewhere": (lambda file: add(file, "../../etc/passwd"), "../../etc/passwd", "elsewhere"),
    "a file has an absolute name": (lambda file: add(file, "/etc/passwd"), "/etc/passwd", "elsewhere"),
    "it is a bomb": (lambda file: bomb(file), "bomb.json", "made to overwhelm"),
    "it is encrypted": (encrypted, "versions/2.json", "is encrypted"),
    "it carries a comment": (commented, "", "a comment, which nothing signs"),
    "a file in it carries a comment": (entry_commented, "kills.json", "bytes beside its files"),
    "something stands in front": (
        lambda file: file.write_bytes(b"PK junk" + file.read_bytes()),
        "versions/2.json",
        "bytes beside its files",
    ),
    "something stands behind": (
        lambda file: file.write_bytes(file.read_bytes() + b"junk"),
        "",
        "the zip",
    ),
    "a file has two names": (renamed_inside, "summary.html", "another name in front of its bytes"),
}  # fmt: skip


def bomb(file: Path) -> None:
    info = zipfile.ZipInfo("bomb.json")
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr(info, b" " * (8 << 20))


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_that_could_deceive_or_overwhelm_is_not_looked_into(
    lived: Lived, tmp_path: Path, name: str
) -> None:
    tamper, where, words = ZIPS[name]
    file = tmp_path / "pack.zip"
    file.write_bytes(lived.pack)
    tamper(file)
    report = verify(file, [audit_key().public_key()])
    expect_fault(report, where, words)
    assert report.manifest == {}
