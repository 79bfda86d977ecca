"""Cells of tables that people open in spreadsheets."""

from typing import Any

import pytest

from usecases.exports import cell


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_compute_is_text(sign: str) -> None:
    assert cell(f"{sign}1+1") == f"'{sign}1+1"
    assert cell(f"  {sign}1+1") == f"'  {sign}1+1"


@pytest.mark.parametrize(("value", "written"), [("1=1", "1=1"), (-0.5, -0.5), (None, ""), ("", ""), (0, 0)])
def test_everything_else_stays_as_it_is(value: Any, written: Any) -> None:
    assert cell(value) == written
