"""What of the name of a series may be shown: words that such names are made of, and numbers that measure something.

People write into it what they like: names, dates in words, rooms, telephone numbers. No list of what must not be shown
is ever complete, so there is one of what may (`mriseg.io.dicom.vocabulary`), and all else is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import pairwise
from unicodedata import combining, normalize

from mriseg.io.dicom.vocabulary import NAMESAKES, WORDS

LEFT_OUT = "…"
# Letters and digits that stand together, numbers with a point among them; two short words with a slash, such as w/o.
# Before all an address of e-mail or of a file as a whole.
CHUNK = re.compile(r"\S*[@\\]\S*|(?<![^\W_])[A-Za-z]{1,2}/[A-Za-z]{1,2}(?![^\W_])|[^\W_]+(?:\.\d+[^\W_]*)*")
SIGNS = frozenset(" _-+*/().,:;=[]&%")
WEIGHTING = re.compile(r"(?:t[12]|pd)(?:w|wi)?")
VENDORS_WEIGHTING = re.compile(r"[a-z]t[12](?:w|wi)?")  # with the letter that a vendor puts before its sequences
NUMBER = re.compile(r"\d+(?:\.\d+)?")
EDGE = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Before a number: parallel imaging, slices at a time, echo, b-value, and dimensions, sides, turbo factors.
BEFORE_NUMBER = frozenset("psebrdnx")
_UNITS = """
mm cm ms sec s t tesla ch channel channels dir dirs directions iso slices slice slc min hz deg degree x d avg nex vol
vols echo echoes scan scans plane planes
"""
UNITS = frozenset(_UNITS.split())
KEYS = frozenset(("te", "tr", "ti", "fa", "fov", "flip", "angle", "pld", "delay", "venc", "iso"))
B_VALUES = frozenset(("b", "b0", "bval", "bvals", "bvalue", "bvalues"))
MATRICES = frozenset((128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 512, 576, 640, 768, 1024))
MOST_OF_A_KEY, MOST_WITH_A_UNIT, MOST_BARE, B_STEP, MOST_B = 20_000, 999, 99, 50, 10_000


LONGEST_CHUNK = 40  # letters


class Number(Enum):
    """What a number in a name is."""

    MEASURE = 1  # of something that stands beside it
    BARE = 2  # small, and could be of anything
    UNKNOWN = 3


@dataclass(frozen=True)
class Piece:
    """A word or a number within a chunk.

    Attributes
    ----------
    text : str
        In small letters without accents.
    is_glued : bool
        Whether another piece stands before it without a sign between.
    """

    text: str
    is_glued: bool

    @property
    def number(self) -> float | None:
        """Its value; None of a word."""
        return float(self.text) if NUMBER.fullmatch(self.text) else None


STRANGER = Piece("", is_glued=False)  # stands for what is not known


def shown_name(name: str) -> str:
    """The name of a series without what is no word of such names.

    Parameters
    ----------
    name : str
        As it stands in the header.

    Returns
    -------
    str
        With an ellipsis for what is left out; "" where no word of such names is left.

    Examples
    --------
    >>> shown_name("t1_mprage_sag_p2_iso 1.0x1.0x1.0"), shown_name("AX FLAIR 3MM POST GAD")
    ('t1_mprage_sag_p2_iso 1.0x1.0x1.0', 'AX FLAIR 3MM POST GAD')
    >>> shown_name("SMITH^JOHN 12 March 1980 Ax T1"), shown_name("Jane Doe")
    ('… Ax T1', '')
    """
    name = normalize("NFC", name)
    chunks = [*CHUNK.finditer(name)]
    parsed = [_pieces(match[0]) for match in chunks]
    known = _known(parsed)
    if not any(_says(pieces) for is_known, pieces in zip(known, parsed, strict=True) if is_known):
        return ""
    parts, at = [], 0
    for match, is_known in zip(chunks, known, strict=True):
        parts += [_signs(name[at : match.start()]), match[0] if is_known else LEFT_OUT]
        at = match.end()
    text = "".join([*parts, _signs(name[at:])])
    return re.sub(rf"{LEFT_OUT}(?:(?:[^\w(\[]|_)*{LEFT_OUT})+", LEFT_OUT, text).strip()


def _signs(between: str) -> str:
    return "".join(letter if letter in SIGNS else " " for letter in between)


def _says(pieces: Sequence[Piece]) -> bool:
    """Whether a chunk has a word that says something by itself."""
    return any(piece.number is None and len(piece.text) > 1 and piece.text not in NAMESAKES for piece in pieces)


def _pieces(chunk: str) -> tuple[Piece, ...]:
    """The words and numbers that a chunk is made of; none if it cannot be made of those that are known."""
    decomposed = normalize("NFKD", chunk.replace("ß", "ss"))
    text = "".join(letter for letter in decomposed if not combining(letter))
    lower = text.lower()
    if len(lower) > LONGEST_CHUNK or len(lower) != len(text):
        return ()
    edges = {len(text), *(match.start() for match in EDGE.finditer(text))}

    @cache
    def rest(start: int) -> tuple[str, ...] | None:
        """What the chunk is made of from here on; None if of nothing known."""
        if start == len(lower):
            return ()
        for end in range(len(lower), start, -1):  # the longest word first
            part = lower[start:end]
            if end in edges or WEIGHTING.match(lower, end):
                is_letter = part in BEFORE_NUMBER and lower[end : end + 1].isdigit()
                is_weighting = WEIGHTING.fullmatch(part) or (start == 0 and VENDORS_WEIGHTING.fullmatch(part))
                # A letter by itself is an initial, but not behind a number: T1C.
                is_word = part in WORDS and (len(part) > 1 or len(lower) == 1 or lower[start - 1 : start].isdigit())
                is_known = is_letter or is_weighting or is_word or NUMBER.fullmatch(part)
                if is_known and (others := rest(end)) is not None:
                    return (part, *others)
        return None

    return tuple(Piece(part, number > 0) for number, part in enumerate(rest(0) or ()))


def _known(parsed: Sequence[tuple[Piece, ...]]) -> list[bool]:
    """Which chunks are shown: those that are known through and through, and beside no stranger if they say little."""
    numbers = _numbers(parsed)
    known = [bool(pieces) and Number.UNKNOWN not in kinds for pieces, kinds in zip(parsed, numbers, strict=True)]
    bare = [len(pieces) == 1 and Number.BARE in kinds for pieces, kinds in zip(parsed, numbers, strict=True)]
    short = [len(pieces) == 1 and (pieces[0].text in NAMESAKES or len(pieces[0].text) == 1) for pieces in parsed]
    for first, second in pairwise(range(len(parsed))):
        if bare[first] and bare[second]:  # of a date, of a telephone number
            known[first] = known[second] = False
    order = range(len(parsed))
    for way in (order, order[::-1]):
        for stranger, beside in pairwise(way):
            if not known[stranger] and (bare[beside] or short[beside]):
                known[beside] = False
    return known


def _numbers(parsed: Sequence[tuple[Piece, ...]]) -> list[set[Number]]:
    """What the numbers of each chunk are."""
    kinds: list[set[Number]] = [set() for _ in parsed]
    flat = [(chunk, piece) for chunk, pieces in enumerate(parsed) for piece in pieces or (STRANGER,)]
    ends = (-1, STRANGER)
    is_b_value = False  # of which several may follow one another
    for (_, before), (chunk, piece), (_, after) in zip([ends, *flat], flat, [*flat[1:], ends], strict=False):
        value = piece.number
        if value is None:
            is_b_value = piece.text in B_VALUES
        elif is_b_value and (value <= B_STEP or (value % B_STEP == 0 and value <= MOST_B)):
            kinds[chunk].add(Number.MEASURE)
        else:
            is_b_value = False
            kinds[chunk].add(_kind(piece, before=before, after=after))
    return kinds


def _kind(piece: Piece, *, before: Piece, after: Piece) -> Number:
    value = piece.number or 0.0
    if before.text in KEYS and value <= MOST_OF_A_KEY:
        return Number.MEASURE
    if after.text in UNITS and (after.is_glued or len(after.text) > 1) and value <= MOST_WITH_A_UNIT:
        return Number.MEASURE
    if after.text in B_VALUES and after.is_glued and value % B_STEP == 0 and value <= MOST_B:
        return Number.MEASURE
    is_part = piece.is_glued or after.is_glued
    if is_part and (value <= MOST_BARE or ("x" in (before.text, after.text) and value in MATRICES)):
        return Number.MEASURE
    is_small = (value <= MOST_BARE and len(piece.text) <= len("0.875")) or value in MATRICES
    return Number.BARE if is_small and not is_part else Number.UNKNOWN
