import enum

import numpy as np
from numpy.typing import NDArray

class ImageFormat(enum.IntEnum):
    SRGB = 1

class Image:
    def __init__(self, image_format: ImageFormat, data: NDArray[np.uint8]) -> None: ...
