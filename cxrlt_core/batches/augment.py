"""The ranges of random transforms, as params.yaml states them."""

from cxrlt_core.system.settings import Fraction, NotNegative, Section, usual


class Augment(Section):
    """Ranges of the random transforms; every image draws its own."""

    rotate: NotNegative = usual(0)  # degrees, either way
    shift: Fraction = usual(0)  # share of the image side, either way
    scale: Fraction = usual(0)  # relative change, either way
    brightness: NotNegative = usual(0)  # in units of the normalised image's standard deviation
    contrast: Fraction = usual(0)  # relative change, either way
    gamma: NotNegative = usual(0)  # pixels to a power of up to 1 + gamma, or down to its inverse
    erase: Fraction = usual(0)  # share of the images that lose a rectangle
    flip: bool = usual(False)  # mirror half of the images; the heart then lies on the right
