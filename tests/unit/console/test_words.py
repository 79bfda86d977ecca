"""How numbers read on pages."""

import pytest

from console.templatetags.words import usd


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (None, "—"),
        (0, "$0.00"),
        (0.000221, "$0.00022"),
        (0.0021, "$0.0021"),
        (0.0384, "$0.038"),
        (0.5, "$0.500"),
        (12.3, "$12.30"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_keeps_the_digits_that_count(amount: float | None, words: str) -> None:
    assert usd(amount) == words
