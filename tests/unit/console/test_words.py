"""How numbers read on pages."""

import pytest

from console.templatetags.words import options, usd


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


def test_a_select_shows_what_is_chosen_even_where_it_is_no_longer_offered() -> None:
    assert options([("a", "A")], "a") == '<option value="a" selected>A</option>'
    assert options([("a", "A")], "<b>") == (
        '<option value="a">A</option><option value="&lt;b&gt;" selected>&lt;b&gt;</option>'
    )
    assert options([("a", "A")]) == '<option value="a">A</option>'
