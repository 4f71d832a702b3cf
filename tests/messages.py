"""What the server sends the viewer, read by another hand than the browser's."""

import json
import struct
from typing import Any

PREFIX = struct.Struct("<2I")  # version, and the length of the header


def split_message(message: bytes) -> tuple[int, dict[str, Any], bytes]:
    """The version, the header, and the slices as they are deflated one after the other."""
    version, length = PREFIX.unpack_from(message)
    end = PREFIX.size + length
    return version, json.loads(message[PREFIX.size : end]), message[end:]
