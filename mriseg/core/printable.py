"""Text that came from outside, such as names of files, made fit to be printed.

On Linux a name may hold any byte but / and zero: escape sequences that move the cursor, retitle the window or fill the
clipboard, line breaks that forge a line of ours, signs that turn the direction of reading around or take no room. All
such are written as their code. What a terminal, a log and a progress bar are given of a name goes through `printable`.
"""

from collections.abc import Iterator
from unicodedata import category, combining

MOST_CHARACTERS = 300  # of a name or path that is printed; both ends of longer ones are
MOST_LINE = 2_000  # of a line that holds names and what is said of them
CUT = " ... "
MOST_MARKS = 2  # on one letter: Vietnamese and Hebrew have as many; piled up they cover the lines above
# Letters and marks by their categories that nevertheless show nothing (Default_Ignorable_Code_Point of Unicode 15).
INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
        *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
    )
    for code in range(first, last + 1)
)
RAW_BYTES = range(0xDC80, 0xDD00)  # how Python holds a byte of a name that is no UTF-8


def printable(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text from outside as one line without signs that steer a terminal, reorder a line or cannot be seen.

    Parameters
    ----------
    text : str
    most : int
        Characters; of a longer text both ends are shown.

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable("scan\\x1b[2J\\u202egpj.nii"), printable("Müller 頭部.nii"))
    scan\\x1b[2J\\u202egpj.nii Müller 頭部.nii
    >>> printable("a" * 500, most=11)
    'aaa ... aaa'
    """
    if len(text) > most:
        # Before it is escaped, so that no more is worked on than is shown.
        text = _ends(text, most)
    shown = "".join(_visible(text))
    return _ends(shown, most) if len(shown) > most else shown


def _ends(text: str, most: int) -> str:
    half = (most - len(CUT)) // 2
    return f"{text[:half]}{CUT}{text[len(text) - half :]}"


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for letter in text:
        is_mark = combining(letter) != 0 or category(letter) in ("Mn", "Me")
        marks = marks + 1 if is_mark else 0
        if letter.isprintable() and letter not in INVISIBLE and marks <= MOST_MARKS:
            yield letter
        else:
            yield _code(ord(letter))


def _code(code: int) -> str:
    """A character as Python writes it; the byte itself where a name is no text."""
    if code in RAW_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
