"""What a policy says of itself."""

from __future__ import annotations

import pytest

from app.core.policy import Upload
from app.core.types import Stream


@pytest.mark.parametrize("stream", list(Stream))
def test_each_stream_is_sent_unless_the_policy_keeps_it_on_the_device(stream: Stream) -> None:
    upload = Upload(
        endpoint="https://proctoring.example.org",
        token="t",
        exam_id="e",
        camera=stream is not Stream.CAMERA,
        microphone=stream is not Stream.MICROPHONE,
        screen=stream is not Stream.SCREEN,
    )
    assert [other for other in Stream if not upload.sends(other)] == [stream]
