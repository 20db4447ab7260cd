"""A figure on the page: the picture, what it shows in a few words, its caption and its numbers."""

from collections.abc import Mapping

#: Figure to what it shows, for those who do not see it; its message is the caption's.
SHOWS = {
    "attention": "Images, with what the model attends to in orange.",
    "class_changes": "Forest plot: change of average precision, a line a class.",
    "class_scores": "Dots with intervals: average precision of three models, a line a class.",
    "contrasts1": "Forest plot: differences between rows of Table 1.",
    "contrasts2": "Forest plot: differences between rows of Table 2.",
    "cooccurrence": "Heat map: which labels occur together.",
    "cost": "Scatter: mAP against training time, a dot a row.",
    "designs": "Forest plot: what each published step changes here and in the paper.",
    "examples": "Images with their labels.",
    "learning_curves": "Curves of training, a line a variant.",
    "long_tail": "Dots on a log axis: positives of each set, a line a class.",
    "member_choice": "Heat map: which models are chosen, a line a class.",
    "precision_recall": "Precision-recall curves of tail classes.",
    "reliability": "Reliability diagram: predicted against observed, before and after scaling.",
    "reweighting": "Forest plot: change of average precision of upweighted and of other classes.",
    "table1": "Dots with intervals: mAP of the rows of Table 1, ours and published.",
    "table2": "Dots with intervals: mAP of the rows of Table 2, ours and published.",
    "variance": "Stacked bars: shares of the variance of each difference.",
}
WITHOUT_NUMBERS = ("attention", "examples")


def figure_text(captions: Mapping[str, str], name: str) -> str:
    """Show a figure with its caption, in markdown; nothing where it was not drawn.

    Args:
        captions: of the figures that were drawn.
        name: of one, a key of :data:`SHOWS`.
    """
    if name not in captions:
        return ""
    numbers = "" if name in WITHOUT_NUMBERS else f" ([numbers](numbers/{name}.csv))"
    return f"![{SHOWS[name]}](figures/{name}.png)\n\n{captions[name]}{numbers}\n"
