"""Short codes that stand for a config key: read aloud, written on a board, typed by hand.

Eight random characters and a check character over an alphabet without look-alikes. The check is a weighted sum
modulo the alphabet's size, which is prime: every single wrong character and every swap of two is noticed.
"""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import BadInput

ALPHABET = "23456789ABCDEFGHJKMNPQRTVWXYZ"
"""Letters and digits without 0, O, 1, I, L, S and U."""
LENGTH = 9
_RANDOM = LENGTH - 1
_TYPED_MAX = 64
_SEPARATORS = frozenset(" \t\r\n\u00a0-\u2010\u2011\u2012\u2013\u2014._")
_FROM_PERSON = "check it against what you were given"


def new_code(randbelow: Callable[[int], int]) -> str:
    """A code in its normal form. ``randbelow(n)`` gives a number from 0 to n - 1, as that of ``secrets`` does."""
    number = randbelow(len(ALPHABET) ** _RANDOM)
    letters = ""
    for _ in range(_RANDOM):
        number, digit = divmod(number, len(ALPHABET))
        letters += ALPHABET[digit]
    return letters + _check_of(letters)


def normalised(text: str) -> str:
    """The nine capital characters that ``text`` means; small letters, spaces and dashes are understood.

    Raises BadInput for another length, characters that no code has, and a check character that does not fit.
    """
    code = _bare(text)
    if code is None or len(code) != LENGTH:
        raise BadInput(f"A code has {LENGTH} letters and digits, such as {shown('2' * _RANDOM + '9')}; {_FROM_PERSON}.")
    if not set(code) <= set(ALPHABET):
        raise BadInput(f"This code has a character that no code has (0, O, 1, I, L, S or U, say); {_FROM_PERSON}.")
    if code[_RANDOM] != _check_of(code[:_RANDOM]):
        raise BadInput(f"This code is mistyped: its last character does not fit the others; {_FROM_PERSON}.")
    return code


def shown(code: str) -> str:
    """A normal form as people read it: ``ABCD-EFGH-J``."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def looks_like_code(text: str) -> bool:
    """Whether somebody who typed this meant a code, a mistyped one included."""
    code = _bare(text)
    return code is not None and len(code) == LENGTH and code.isalnum()


def _bare(text: str) -> str | None:
    """Without separators, in capitals; None for what is far too long or has characters beyond ASCII."""
    if len(text) > _TYPED_MAX:
        return None
    bare = "".join(char for char in text if char not in _SEPARATORS)
    return bare.upper() if bare.isascii() else None


def _check_of(letters: str) -> str:
    weighted = sum(weight * ALPHABET.index(letter) for weight, letter in enumerate(letters, start=1))
    return ALPHABET[weighted % len(ALPHABET)]
