"""The MNIST family: images and labels in IDX files, the format of the original MNIST page."""

import gzip
import math
import struct
import zlib

import numpy as np
import torch

from genimg_lib.data.fetch import fetch
from genimg_lib.errors import DataError

CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt",
        "trousers",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
}


def load(name, split):
    """(images uint8 [N, 1, 28, 28], labels int64 [N]); train has 60,000, test 10,000."""
    prefix = {"train": "train", "test": "t10k"}[split]
    images, labels = f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
    files = fetch(name, only=(images, labels))
    return read_idx(files[images])[:, None], read_idx(files[labels]).long()


def read_idx(path):
    """Read an IDX file of bytes, gzipped or not: uint8, of the shape that its header names.

    Raises DataError for any other content.
    The header: two zero bytes, 8 (unsigned bytes), the number of axes, then the length of each axis
    as a big-endian 32-bit integer.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}): truncated or damaged; remove it and load again to"
            " download a sound copy"
        ) from None
    if (
        len(content) < 4
        or content[:3] != b"\x00\x00\x08"
        or not 1 <= content[3] <= 4
        or len(content) < 4 + 4 * content[3]
    ):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes: it begins with"
            f" {content[:4].hex(' ') or 'nothing'}, not with 00 00 08 and the number of axes"
        )
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    body = content[4 + 4 * axes :]
    if len(body) != math.prod(shape):
        raise DataError(
            f"{path} is {'truncated' if len(body) < math.prod(shape) else 'too long'}:"
            f" {len(body):,} bytes where its header promises {'x'.join(map(str, shape))} ="
            f" {math.prod(shape):,}"
        )
    return torch.from_numpy(np.frombuffer(body, np.uint8).copy()).view(shape)
