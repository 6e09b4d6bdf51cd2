"""Which addresses an exam may open: URL rules in Safe Exam Browser's simplified syntax.

Block rules are tried first, then allow rules; what no rule names is blocked. A rule reads
``scheme://user:password@host:port/path?query#fragment``, and a part that it leaves out matches
anything. Case is ignored, ``*`` stands for anything within its part. Host ``abc`` (letters and
digits only) is that host; ``abc.org`` is it and its subdomains; ``.abc.org`` is exactly
``abc.org``. A path matches with or without its closing slash, the path ``/`` alone matches any.
The query ``.`` means no query at all.

Addresses are brought into the form a browser would use before they are compared (backslashes,
dot segments, needless percent signs, odd spellings of IP addresses, international names), so
that no spelling gets around a rule. What can't be read that way is blocked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from app.core.errors import BadInput

MAX_URL_CHARS = 65_536
MAX_RULE_CHARS = 2_048

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
_WEB_SCHEMES = ("http", "https", "ws", "wss")
_SOCKET_OF = {"ws": "http", "wss": "https"}
_NEVER = re.compile(
    r"about|blob|chrome(-error|-extension|-untrusted)?|data|devtools|file|filesystem|javascript|qrc|view-source"
)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_RULE_HOST = re.compile(r"\.?[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*")
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_DISPUTED = re.compile("[\u00df\u03c2\u200c\u200d]")  # IDNA 2003 and 2008 map these to different hosts
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute address in the form in which rules see it: all lower case, host in ASCII.

    ``schemes`` holds the scheme and, for a WebSocket, the page scheme that it belongs to.
    ``port`` is the default of the scheme where the address has none, "" when there is no default.
    """

    schemes: tuple[str, ...]
    user: str
    password: str
    host: str
    port: str
    path: str
    query: str
    fragment: str

    @property
    def origin(self) -> tuple[str, str, str]:
        """Scheme, host and port; a WebSocket has the origin of its page."""
        return self.schemes[-1], self.host, self.port


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule; a part is None where the rule leaves it out."""

    text: str
    scheme: str | None
    user: str | None
    password: str | None
    host: str | None
    exact_host: bool
    port: str | None
    path: str | None
    query: str | None
    fragment: str | None

    def matches(self, url: Url) -> bool:
        return (
            any(_fits(self.scheme, scheme) for scheme in url.schemes)
            and self._host_matches(url.host)
            and _fits(self.port, url.port)
            and self._path_matches(url.path)
            and _fits(self.query, url.query)
            and _fits(self.fragment, url.fragment)
            and _fits(self.user, url.user)
            and _fits(self.password, url.password)
        )

    def _host_matches(self, host: str) -> bool:
        if _fits(self.host, host):
            return True
        return not self.exact_host and _fits(f"*.{self.host}", host)

    def _path_matches(self, path: str) -> bool:
        return _fits(self.path, path) or _fits(self.path, path.removesuffix("/"))


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Compiled rules, in the order given."""

    allow: tuple[Rule, ...]
    block: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class UrlDecision:
    """``rule`` is the rule that decided, as it was written; None when none matched."""

    allowed: bool
    rule: str | None


@dataclass(frozen=True, slots=True)
class ExamUrls:
    """What an exam's window may load: the rules, and the start page with its origin."""

    rules: UrlRules
    start: Url


def compile_rules(allow: Iterable[str], block: Iterable[str]) -> UrlRules:
    """Raises BadInput, which quotes the rule that can't be read."""
    return UrlRules(tuple(map(_rule, allow)), tuple(map(_rule, block)))


def exam_urls(start_url: str, allow: Iterable[str], block: Iterable[str]) -> ExamUrls:
    """Raises BadInput for a broken rule, and for a start address that is not http or https."""
    start = parse_url(start_url)
    if start is None or start.schemes[0] not in ("http", "https"):
        raise BadInput(f"The exam's start address {_quoted(start_url)} is not a web address; ask for a new key.")
    return ExamUrls(compile_rules(allow, block), start)


def decide(rules: UrlRules, url: str) -> UrlDecision:
    """Judges any string. Addresses without a host, local and script addresses are never allowed."""
    parsed = parse_url(url)
    return UrlDecision(False, None) if parsed is None else _decide(rules, parsed)


def decide_load(exam: ExamUrls, url: str) -> UrlDecision:
    """What the exam window may load: web addresses only.

    The start page is always allowed. Block rules come next; then the rest of the start page's
    origin is allowed, then the allow rules.
    """
    parsed = parse_url(url)
    if parsed is None or parsed.schemes[0] not in _WEB_SCHEMES:
        return UrlDecision(False, None)
    same_origin = parsed.origin == exam.start.origin
    if same_origin and (parsed.path, parsed.query) == (exam.start.path, exam.start.query):
        return UrlDecision(True, None)
    decision = _decide(exam.rules, parsed)
    return UrlDecision(True, None) if same_origin and decision.rule is None else decision


def origin_text(url: str) -> str | None:
    """``https://host`` or ``https://host:port`` of a web page; None for anything else."""
    parsed = parse_url(url)
    if parsed is None or parsed.schemes[0] not in ("http", "https"):
        return None
    scheme, host, port = parsed.origin
    return f"{scheme}://{host}" if _DEFAULT_PORTS[scheme] == port else f"{scheme}://{host}:{port}"


def parse_url(text: str) -> Url | None:
    """Reads an absolute address the way browsers do (WHATWG URL); None when it is local, or can't be read."""
    if len(text) > MAX_URL_CHARS:
        return None
    text = text.strip("".join(map(chr, range(0x21)))).replace("\t", "").replace("\n", "").replace("\r", "")
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or _NEVER.fullmatch(scheme) or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        return None
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    if scheme in _DEFAULT_PORTS:
        rest = "//" + rest.replace("\\", "/").lstrip("/")
    if not rest.startswith("//"):
        return None
    authority, slash, path = rest[2:].partition("/")
    return _url(scheme, authority, slash + path, query, fragment)


def _url(scheme: str, authority: str, path: str, query: str, fragment: str) -> Url | None:
    userinfo, _, hostport = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    host_text, port = _split_port(hostport)
    host = _host(host_text)
    if host is None or not re.fullmatch(r"[0-9]{0,5}", port) or (port and int(port) > 65_535):
        return None
    return Url(
        schemes=(scheme, *((_SOCKET_OF[scheme],) if scheme in _SOCKET_OF else ())),
        user=_plain(user),
        password=_plain(password),
        host=host,
        port=str(int(port)) if port else _DEFAULT_PORTS.get(scheme, ""),
        path=_without_dots(_plain(path)),
        query=_plain(query),
        fragment=_plain(fragment),
    )


def _decide(rules: UrlRules, url: Url) -> UrlDecision:
    for allowed, tried in ((False, rules.block), (True, rules.allow)):
        for rule in tried:
            if rule.matches(url):
                return UrlDecision(allowed, rule.text)
    return UrlDecision(False, None)


# ---- reading addresses


def _split_port(hostport: str) -> tuple[str, str]:
    if hostport.startswith("["):
        host, bracket, rest = hostport.partition("]")
        return host + bracket, rest.removeprefix(":") if rest[:1] in ("", ":") else "x"
    host, _, port = hostport.partition(":")
    return host, port


def _host(text: str) -> str | None:
    """The host in canonical form, one closing dot dropped; None when it is not a host."""
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]" if text.endswith("]") else None
        except ValueError:
            return None
    ascii_host = _ascii_name(unquote(text, errors="replace").lower().removesuffix("."))
    if ascii_host is None or len(ascii_host) > 253 or not _HOST.fullmatch(ascii_host):
        return None
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", ascii_host.rpartition(".")[2]):
        return _ipv4(ascii_host.split("."))
    return ascii_host


def _ascii_name(name: str) -> str | None:
    """Punycode; None where the standards of international names disagree, or where it is none."""
    if name.isascii():
        return name
    if _DISPUTED.search(name):
        return None
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None


def _ipv4(parts: list[str]) -> str | None:
    """127.1, 0x7f.1 and 2130706433 are all spellings of 127.0.0.1 to a browser."""
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *head, last = numbers
    if len(numbers) > 4 or any(n > 255 for n in head) or last >= 256 ** (5 - len(numbers)):
        return None
    value = sum(n << (8 * (3 - i)) for i, n in enumerate(head)) + last
    return str(ipaddress.IPv4Address(value))


def _number(text: str) -> int:
    if len(text) > 32:
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)


def _plain(text: str) -> str:
    """Lower case, ASCII, with percent signs only where they are needed."""
    encoded = quote(text.encode("utf-8", "replace"), safe="!\"#$%&'()*+,/:;<=>?@[\\]^`{|}")
    return _PERCENT.sub(_decode_unreserved, encoded).lower()


def _decode_unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0]


def _without_dots(path: str) -> str:
    """Resolves ``.`` and ``..`` segments; the result starts with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


# ---- reading rules


def _rule(text: str) -> Rule:
    stripped = text.strip()
    if len(stripped) > MAX_RULE_CHARS:
        raise _broken(text, f"is longer than {MAX_RULE_CHARS} characters")
    if not re.search(r"[a-zA-Z0-9*]", stripped):
        raise _broken(text, "names no letter, digit or *")
    rest, _, fragment = stripped.partition("#")
    rest, _, query = rest.partition("?")
    scheme, separator, after = rest.partition("://")
    if not separator or not re.fullmatch(r"[a-zA-Z0-9+.*-]*", scheme):
        scheme, after = "", rest.removeprefix("//")
    authority, slash, path = after.partition("/")
    userinfo, _, hostport = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    host, port = _split_port(hostport)
    exact, host_pattern = _rule_host(text, host)
    return Rule(
        text=text,
        scheme=scheme.lower() or None,
        user=_plain(user) or None,
        password=_plain(password) or None,
        host=host_pattern,
        exact_host=exact,
        port=_rule_port(text, port),
        path=_rule_path(slash + path),
        query="" if query == "." else _plain(query) or None,
        fragment=_plain(fragment) or None,
    )


def _rule_host(text: str, host: str) -> tuple[bool, str | None]:
    """Whether subdomains are left out, and the pattern."""
    if not host:
        return True, None
    if host.startswith("["):
        address = _host(host)
        if address is None:
            raise _broken(text, "has a host that is no IPv6 address")
        return True, address
    ascii_host = _ascii_name(host.lower())
    if ascii_host is None or not _RULE_HOST.fullmatch(ascii_host):
        raise _broken(text, f"has a host, {_quoted(host)}, that can't be one")
    exact = ascii_host.startswith(".") or ascii_host.isalnum()
    return exact, ascii_host.removeprefix(".")


def _rule_port(text: str, port: str) -> str | None:
    if not re.fullmatch(r"[0-9*]{0,6}", port) or (port.isdigit() and int(port) > 65_535):
        raise _broken(text, f"has a port, {_quoted(port)}, that is no number up to 65535")
    return None if port in ("", "*") else port


def _rule_path(path: str) -> str | None:
    return _plain(path.removesuffix("/")) or None


def _broken(rule: str, why: str) -> BadInput:
    return BadInput(f"The URL rule {_quoted(rule)} {why}; correct it in the exam's settings.")


def _quoted(text: str) -> str:
    shown = _CONTROL.sub(" ", text)
    return f"\u201c{shown if len(shown) <= 80 else shown[:79] + chr(0x2026)}\u201d"


def _fits(pattern: str | None, text: str) -> bool:
    """Whether the whole text fits the pattern, ``*`` standing for anything; linear time, no backtracking."""
    if pattern is None:
        return True
    first, *middle = pattern.split("*")
    if not middle:
        return text == first
    last = middle.pop()
    if not text.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)
