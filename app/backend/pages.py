"""The backend's plain pages for people."""

from __future__ import annotations

import html


def page(title: str, body: str) -> str:
    """``body`` is HTML, ``title`` is not. It loads nothing and runs nothing."""
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;margin:4rem auto;max-width:48rem;padding:0 1rem;color:#1c2530}"
        "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem;border-bottom:1px solid #d5dbe3}"
        ".button{display:inline-block;padding:.75rem 1.5rem;border-radius:.4rem;background:#1d5fd1;color:#fff;text-decoration:none}"
    )
    safe = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{safe}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style><h1>{safe}</h1>{body}</html>'
    )
