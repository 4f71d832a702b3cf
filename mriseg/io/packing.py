"""What a file is packed by that is not unpacked here, told by its first bytes.

A gzip or a zip around a scan is taken off as it is read. What comes out and is packed once more is not unpacked: each
layer multiplies what a few bytes can unpack to.
"""

# First bytes, what such a file is, and whether it is read where nothing else is around it.
PACKINGS = (
    (b"\x1f\x8b", "a file packed by gzip", True),
    (b"PK\x03\x04", "a zip archive", True),
    (b"BZh", "a file packed by bzip2", False),
    (b"\xfd7zXZ", "a file packed by xz", False),
    (b"]\x00\x00", "a file packed by lzma", False),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd", False),
    (b"\x04\x22\x4d\x18", "a file packed by lz4", False),
    (b"\x1f\x9d", "a file packed by compress", False),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", False),
    (b"Rar!", "a RAR archive", False),
)
TAR, TAR_MAGIC, TAR_MAGIC_AT = "a tar archive", b"ustar", 257
PACKED = "This is {}, which is not read here. Unpack it and drop what is inside."
# The content of a zip is read if it is packed by gzip, but not if it is a zip.
IN_ZIP = "This is a zip archive in another one, which is not read here. Unpack it and drop what is inside."
PACKED_TWICE = "The file is packed twice: by gzip, and in that there is {}. {}"
UNPACK_ONCE = "Unpack it once, as with gunzip, and drop what comes out, whatever it is called."
UNPACK_ALL = "Unpack it until the scan itself comes out, and drop that."


def packing(start: bytes, *, is_gzipped: bool) -> str:
    """What a file is packed by that is not unpacked here, and what to do about it.

    Parameters
    ----------
    start : bytes
        The first bytes of its content.
    is_gzipped : bool
        Whether gzip was taken off to read them.

    Returns
    -------
    str
        In sentences; "" if it is not packed.

    Examples
    --------
    >>> packing(b"BZh91AY", is_gzipped=False)
    'This is a file packed by bzip2, which is not read here. Unpack it and drop what is inside.'
    >>> packing(b"no packing", is_gzipped=True)
    ''
    """
    what, is_read = next(((what, is_read) for magic, what, is_read in PACKINGS if start.startswith(magic)), ("", False))
    if start[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC:
        what = TAR
    if not what:
        return ""
    if is_gzipped and what != TAR:  # a .tar.gz is one thing to everybody
        return PACKED_TWICE.format(what, UNPACK_ONCE if is_read else UNPACK_ALL)
    return IN_ZIP if is_read else PACKED.format(what)
