"""The figures of the Promise tab: what Plotly is given to show."""

from usecases import promise_charts


def test_a_model_named_in_markup_is_shown_as_text() -> None:
    name = '<a href="https://example.org">click</a><br>&lt;b&gt;'
    point = {"rungs": [[name, 0.8], ["large", 1.0]], "answer_from": 0.9, "cost_usd": 0.1, "wrong": 0.02}
    found = {"frontier": [point], "target": 0.02, "points": {"live": point}}

    figure = promise_charts.frontier(found, drafted=False)

    texts = [text for trace in figure["data"] for text in trace.get("text", [])]
    assert len(texts) == 2
    assert all("<" not in text and "&lt;a href" in text and "&amp;lt;b" in text for text in texts)
    assert promise_charts.setting_words(point).startswith(name), "pages escape by themselves"
