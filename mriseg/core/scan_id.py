"""What a person calls a scan, as far as it can stand in a report and in the names of files."""

import re

LONGEST = 40  # letters; longer names of files are cut by some programs
_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")


def clean_scan_id(text: str) -> str:
    """The letters, digits, hyphens, underscores and points of a text; a run of anything else becomes a hyphen.

    Parameters
    ----------
    text : str
        As it was typed.

    Returns
    -------
    str
        At most `LONGEST` letters, beginning and ending with a letter, digit or underscore; empty if there are none.

    Examples
    --------
    >>> clean_scan_id(" P 017/b ")
    'P-017-b'
    >>> clean_scan_id("../..")
    ''
    """
    return _OTHERS.sub("-", text).strip("-.")[:LONGEST].rstrip("-.")
