"""The Content-Security-Policy of a report page."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser


class _InlineScripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "script":
            self._inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def report_policy(page: str) -> str:
    """Lets the page run its one inline script, by hash, and load nothing but this server's pictures and clips.

    A page with more scripts than one has been tampered with (a name with markup in it, for instance): none may run.
    """
    parser = _InlineScripts()
    parser.feed(page)
    parser.close()
    script = "'none'"
    if len(parser.found) == 1:
        text = parser.found[0].replace("\r\n", "\n").replace("\r", "\n")
        script = f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    return (
        f"default-src 'none'; script-src {script}; style-src 'unsafe-inline'; img-src 'self' data:; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
