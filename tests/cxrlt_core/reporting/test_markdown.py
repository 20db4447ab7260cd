from cxrlt_core.reporting.markdown import counts_text, markdown_table, percent


def test_a_table():
    assert markdown_table(["a", "b"], [["1", ""], ["x", "y"]]) == (
        "| a | b |\n| --- | --- |\n| 1 |  |\n| x | y |\n"
    )


def test_counts_of_nothing_are_left_out():
    assert counts_text({"PA": 1200, "AP": 0, "LATERAL": 3}) == "1,200 PA, 3 LATERAL"
    assert counts_text({"PA": 0}) == "none"


def test_percent():
    assert percent(0.0123) == "1.2%"
    assert percent(None) == "–"
