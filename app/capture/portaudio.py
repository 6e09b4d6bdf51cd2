"""The sound library, loaded when first needed.

PortAudio is one per process and lists the devices only when it starts. This module mirrors that:
it counts the open streams, and starts PortAudio anew while there are none, so that a microphone
which was plugged in later, or a sound server which was restarted, is found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.core.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    import sounddevice
    from numpy.typing import NDArray

    SoundCallback = Callable[
        [NDArray[np.float32], int, sounddevice.StreamTime, sounddevice.CallbackFlags],
        None,
    ]

BLOCKS_PER_S = 50
_LATENCY_S = 0.1
_NO_LIBRARY = (
    "Sound can't be recorded because the PortAudio library is missing; "
    "install it (Debian and Ubuntu: apt install libportaudio2)."
)
_NO_MICROPHONE = "No microphone was found; connect or enable one."

_lock = threading.Lock()
_open_streams: set[int] = set()


def input_devices() -> list[tuple[int, str]]:
    """The number and name of each device that can record. Raises SourceError 4009 without the library."""
    with _lock:
        _refresh()
        import sounddevice

        return [(d["index"], d["name"]) for d in sounddevice.query_devices() if d["max_input_channels"] > 0]


def open_input(
    device: int | str | None, rate_hz: int, callback: SoundCallback, finished: Callable[[], None]
) -> tuple[sounddevice.InputStream, str]:
    """A running mono float32 stream in blocks of 20 ms, and the device's name.

    ``callback`` and ``finished`` run on PortAudio's thread. Raises SourceError: 4009 when there is
    no such device, 4007 when it can't be read.
    """
    with _lock:
        _refresh()
        import sounddevice

        try:
            name = sounddevice.query_devices(device, "input")["name"]
        except (sounddevice.PortAudioError, ValueError) as error:
            raise SourceError(4009, _missing(device)) from error
        try:
            stream = sounddevice.InputStream(
                samplerate=rate_hz, blocksize=rate_hz // BLOCKS_PER_S, device=device, channels=1, dtype="float32",
                latency=_LATENCY_S, callback=callback, finished_callback=finished,
            )  # fmt: skip
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise SourceError(
                4007, f"The microphone {name} can't be read; close other programs that use it."
            ) from error
        _open_streams.add(id(stream))
        return stream, name


def close_input(stream: sounddevice.InputStream) -> None:
    """Ends a stream of ``open_input``, however broken it is. Safe to call twice."""
    with _lock:
        if id(stream) in _open_streams:
            _open_streams.discard(id(stream))
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)


def _refresh() -> None:
    """Loads the library, or lets it look for devices again when nobody records."""
    try:
        from sounddevice import PortAudioError, _initialize, _terminate
    except OSError as error:
        raise SourceError(4009, _NO_LIBRARY) from error
    if not _open_streams:
        try:
            _terminate()
            _initialize()
        except PortAudioError as error:
            raise SourceError(4009, _NO_MICROPHONE) from error


def _missing(device: int | str | None) -> str:
    if device is None:
        return _NO_MICROPHONE
    return f"No microphone is called {device!r}; connect it, or choose another one."
