"""Strategies that make bad input of good: bytes, cells of tables and values are exchanged."""

import copy
import csv
import gzip
import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

#: What is likely to be taken for something else than it is, put between or in place of other bytes.
SPECIAL = [
    *(b"\0", b"\n", b"\r", b'"', b"'", b",", b"|", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"../", b"C:"),
    *(b"-1", b"nan", b"1e309", b"-0", b"9" * 5000, b" " * 1000, b"[" * 3000, "\u2028é\U0001f4a5".encode()),
]
TEXTS = st.sampled_from([s.decode("utf-8", "replace") for s in SPECIAL]) | st.text(max_size=20)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7")
NUMBERS = st.sampled_from([0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535]) | st.integers(0, 65535)


@st.composite
def changed_bytes(draw: st.DrawFn, content: bytes, most: int = 6) -> bytes:
    """Bits flipped, bytes exchanged, left out, put in, repeated; the end cut off."""
    found = bytearray(content)
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, len(found)))
        until = place + draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "exchange", "cut", "remove", "insert", "repeat", "number"])):
            case "flip" if place < len(found):
                found[place] ^= 1 << draw(st.integers(0, 7))
            case "exchange":
                found[place:until] = draw(st.binary(max_size=64))
            case "cut":
                del found[place:]
            case "remove":
                del found[place:until]
            case "insert":
                found[place:place] = draw(st.sampled_from(SPECIAL))
            case "repeat":
                found[place:place] = found[place:until] * draw(st.integers(1, 100))
            case "number":
                found[place : place + 2] = struct.pack(draw(st.sampled_from("<>")) + "H", draw(NUMBERS))
    return bytes(found)


@st.composite
def changed_tables(draw: st.DrawFn, text: str) -> tuple[str, bytes]:
    """A label file's name and content: cells, columns and rows changed, in some encoding, perhaps gzipped."""
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        one, other = (draw(st.integers(0, len(rows[row]) - 1)) for _ in range(2))
        match draw(st.sampled_from(["cell", "swap", "swap names", "repeat", "remove", "widen"])):
            case "cell":
                rows[row][one] = draw(TEXTS)
            case "swap":
                for cells in rows:
                    if max(one, other) < len(cells):
                        cells[one], cells[other] = cells[other], cells[one]
            case "swap names" if max(one, other) < len(rows[0]):
                rows[0][one], rows[0][other] = rows[0][other], rows[0][one]
            case "repeat":
                rows += [list(rows[row])] * draw(st.integers(1, 3))
            case "remove" if len(rows[row]) > 1:
                del rows[row][one]
            case "widen":
                rows[row].append(draw(TEXTS))
    stream = io.StringIO()
    csv.writer(stream, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"]))).writerows(rows)
    content = stream.getvalue().encode(draw(st.sampled_from(ENCODINGS)), "replace")
    content = draw(st.just(content) | changed_bytes(content))
    if not draw(st.booleans()):
        return "a.csv", content
    packed = gzip.compress(content, 1)
    return "a.csv.gz", draw(st.just(packed) | changed_bytes(packed, 2))


@st.composite
def changed_png(draw: st.DrawFn, content: bytes) -> bytes:
    """A PNG with bytes of one chunk changed, and the chunk's checksum made to fit."""
    place, chunks = 8, []
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append(content[place + 4 : place + 8 + length])
        place += 12 + length
    chosen = draw(st.integers(0, len(chunks) - 1))
    chunks[chosen] = chunks[chosen][:4] + draw(changed_bytes(chunks[chosen][4:], 3))
    sizes = (struct.pack(">I", len(chunk) - 4) for chunk in chunks)
    sums = (struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return content[:8] + b"".join(a + b + c for a, b, c in zip(sizes, chunks, sums, strict=True))


#: What YAML may hold.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from([10**30, -1, 0, 1e308, "1e5", "0x10", "none", "data/../..", "~", "yes"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_values(draw: st.DrawFn, content: dict[str, Any]) -> Any:
    """Nested mappings and lists with some entries exchanged, removed or renamed."""
    result = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        place, key = result, draw(st.sampled_from(_keys(result)))
        while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 4)):
            place = place[key]
            key = draw(st.sampled_from(_keys(place)))
        match draw(st.sampled_from(["exchange", "exchange", "exchange", "remove", "rename"])):
            case "exchange":
                place[key] = draw(VALUES)
            case "remove":
                del place[key]
            case "rename" if isinstance(place, dict):
                place[draw(TEXTS)] = place.pop(key)
    return result


def _keys(place: dict | list) -> Sequence:
    return list(place) if isinstance(place, dict) else range(len(place))
