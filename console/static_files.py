"""Serve Plotly's own script from its wheel: never copied into the tree, collected like any other static file."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "plotly/plotly.min.js"


def _origin() -> str:
    """Find the wheel without importing it: the web process draws nothing itself and keeps its memory small."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is not installed")
    return spec.origin


class PlotlyFinder(BaseFinder):
    """Finds one file. The folder beside it holds data sets that nobody needs here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.folder = Path(_origin()).parent / "package_data"

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the file's place on disk, or an empty list."""
        if path != NAME:
            return []
        found = str(self.folder / "plotly.min.js")
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        storage = FileSystemStorage(location=str(self.folder))
        storage.prefix = "plotly"  # type: ignore[attr-defined]
        return [("plotly.min.js", storage)]
