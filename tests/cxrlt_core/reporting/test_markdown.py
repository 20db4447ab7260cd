from cxrlt_core.reporting.markdown import markdown_table


def test_a_table():
    text = "| a | b |\n| --- | --- |\n| 1 |  |\n| x | y |\n"
    assert markdown_table(["a", "b"], [["1", ""], ["x", "y"]]) == text
