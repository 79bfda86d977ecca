"""The confidence axis: bars stand where their confidence is, wrong ones inside them."""

from usecases.histogram import HEIGHT, LEAST, histogram


def test_bars_stand_where_their_confidence_is() -> None:
    drawn = histogram([(0, 0)] * 49 + [(10, 1)])
    (bar,) = drawn.bars
    assert 98 < bar.x < bar.x + bar.width < 100
    assert (bar.height, bar.wrong_height, bar.y) == (HEIGHT, 8.8, 0)
    assert bar.title == "0.98 to 1.00: 10 decisions, 1 known to be wrong"


def test_a_single_decision_among_thousands_still_shows() -> None:
    drawn = histogram([(1, 0), (5000, 20)])
    assert drawn.bars[0].height == LEAST
    assert drawn.bars[0].title == "0.00 to 0.50: 1 decision, 0 known to be wrong"
    assert (drawn.total, drawn.wrong) == (5001, 20)


def test_nothing_gives_no_bars() -> None:
    assert histogram([(0, 0)] * 50).bars == ()
    assert histogram([]).bars == ()
