"""What decodes image files here, as a mark: where it is the same, a file gives the same pixels."""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PIL import features

from cxrlt_core.system.code import meaning

#: The modules that turn a file into pixels. How files are found, written and listed changes none.
MODULES = ("decode.py", "dicom.py")

#: Packages that decode; the last six are what pydicom takes where they are installed, before Pillow. NumPy is
#: not among them: what is asked of it, arithmetic and rounding value by value, IEEE 754 defines.
PACKAGES = (
    *("Pillow", "pydicom"),
    *("pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls", "python-gdcm"),
)


@cache
def decoder() -> str:
    """Return the mark, such as ``code 0123456789abcdef, libjpeg 3.1.2, OpenJPEG 2.5.4, Pillow 12.0.0, …``.

    It holds what the code means, blind to comments and formatting, and the versions that are installed:
    of the packages, and of the libraries of JPEG and JPEG 2000 that Pillow was built with.
    """
    code = "".join(meaning(Path(__file__).with_name(name).read_text(encoding="utf-8")) for name in MODULES)
    libraries = {
        "libjpeg": features.version("libjpeg_turbo") or features.version("jpg"),
        "OpenJPEG": features.version("jpg_2000"),
    }
    versions = libraries | {name: _version(name) for name in PACKAGES}
    installed = (f"{name} {number}" for name, number in versions.items() if number)
    return ", ".join([f"code {sha256(code.encode()).hexdigest()[:16]}", *installed])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
