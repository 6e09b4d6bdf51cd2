"""How a key or token goes with a request."""

from __future__ import annotations

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """Set as ``auth`` so that an entry of the user's .netrc can't take its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
