"""What the page's script does first: the data of a page, read back."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np

TYPES = {
    f"{type.__name__.capitalize()}Array": np.dtype(type).newbyteorder("<")
    for type in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float64)
}


def unpack(text: str) -> object:
    """The data, with each column as an array of the type that it names."""
    packed = zlib.decompress(base64.b64decode(text, validate=True))

    def column(value: dict) -> object:
        if not isinstance(value.get("type"), str):
            return value
        type = TYPES[value["type"]]
        assert value["at"] % type.itemsize == 0
        return np.frombuffer(packed, type, value["length"], value["at"])

    return json.loads(packed[int.from_bytes(packed[:4], "little") :], object_hook=column)


def plain(value: object) -> object:
    """Data with its columns as lists."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def data_of(page: str, contest: int = 0) -> dict:
    """The data of a contest of a page."""
    inert = (
        rf'<script type="application/octet-stream" id="data-{contest}">([A-Za-z0-9+/=]*)</script>'
    )
    (text,) = re.findall(inert, page)
    return unpack(text)
