from collections.abc import Callable, Iterator
from typing import Any, Literal, TypedDict, overload

import numpy as np
from numpy.typing import NDArray

class PortAudioError(Exception): ...

class CallbackFlags:
    @property
    def input_overflow(self) -> bool: ...

class StreamTime:
    inputBufferAdcTime: float
    currentTime: float
    outputBufferDacTime: float

class DeviceInfo(TypedDict):
    name: str
    index: int
    hostapi: int
    max_input_channels: int
    max_output_channels: int
    default_samplerate: float

class DeviceList:
    def __iter__(self) -> Iterator[DeviceInfo]: ...
    def __len__(self) -> int: ...

class InputStream:
    def __init__(
        self,
        samplerate: float | None = ...,
        blocksize: int | None = ...,
        device: int | str | None = ...,
        channels: int | None = ...,
        dtype: str | None = ...,
        latency: float | Literal["low", "high"] | None = ...,
        *,
        callback: Callable[[NDArray[np.float32], int, StreamTime, CallbackFlags], None] | None = ...,
        finished_callback: Callable[[], None] | None = ...,
    ) -> None: ...
    @property
    def active(self) -> bool: ...
    @property
    def latency(self) -> float: ...
    @property
    def samplerate(self) -> float: ...
    def start(self) -> None: ...
    def stop(self, ignore_errors: bool = ...) -> None: ...
    def abort(self, ignore_errors: bool = ...) -> None: ...
    def close(self, ignore_errors: bool = ...) -> None: ...

@overload
def query_devices(device: None = ..., kind: None = ...) -> DeviceList: ...
@overload
def query_devices(device: int | str | None = ..., kind: Literal["input", "output"] = ...) -> DeviceInfo: ...
def query_hostapis(index: int) -> dict[str, Any]: ...
def get_portaudio_version() -> tuple[int, str]: ...
def _initialize() -> None: ...
def _terminate() -> None: ...
