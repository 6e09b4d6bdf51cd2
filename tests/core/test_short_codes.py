"""Short codes: unambiguous, and wrong ones are noticed before anybody is asked about them."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.short_codes import ALPHABET, LENGTH, looks_like_code, new_code, normalised, shown


class Numbers:
    """Gives the number that it was made with, and remembers below what."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.below: list[int] = []

    def __call__(self, below: int) -> int:
        self.below.append(below)
        return self.number


CODES = st.integers(0, 29**8 - 1).map(lambda number: new_code(Numbers(number)))


def test_the_alphabet_has_a_prime_number_of_characters_and_none_that_looks_like_another() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 29
    assert not set(ALPHABET) & set("0O1ILSU")


def test_each_random_number_has_a_code_of_its_own() -> None:
    some = [Numbers(number) for number in (0, 1, 28, 29, 29**7, 29**8 - 1)]
    assert len({new_code(numbers) for numbers in some}) == len(some)
    assert {below for numbers in some for below in numbers.below} == {29**8}


@given(CODES)
def test_a_code_is_understood_as_it_is_shown_and_as_people_type_it(code: str) -> None:
    assert len(code) == LENGTH
    groups = shown(code).split("-")
    assert [len(group) for group in groups] == [4, 4, 1]
    for typed in (code, shown(code), code.lower(), f"  {' '.join(groups)}\n", "\u2013".join(groups), ".".join(code)):
        assert looks_like_code(typed)
        assert normalised(typed) == code


@given(CODES, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_noticed(code: str, place: int, letter: str) -> None:
    typed = code[:place] + letter + code[place + 1 :]
    if letter == code[place]:
        assert normalised(typed) == code
        return
    assert looks_like_code(typed)
    with pytest.raises(BadInput, match="mistyped"):
        normalised(typed)


@given(CODES, st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_every_swap_of_two_characters_is_noticed(code: str, one: int, other: int) -> None:
    letters = list(code)
    letters[one], letters[other] = letters[other], letters[one]
    typed = "".join(letters)
    if typed == code:
        assert normalised(typed) == code
        return
    with pytest.raises(BadInput, match="mistyped"):
        normalised(typed)


@given(st.text(max_size=80) | st.text(alphabet=ALPHABET + "0o1ilsu -", min_size=7, max_size=14))
def test_whatever_is_typed_is_a_code_or_refused_in_one_sentence_that_does_not_repeat_it(text: str) -> None:
    try:
        assert shown(normalised(text)).replace("-", "") == normalised(text)
        assert looks_like_code(text)
    except BadInput as refusal:
        sentence = str(refusal)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(text) < 5 or text not in sentence


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "9 letters and digits"),
        ("ABCD-EFGH", "9 letters and digits"),
        ("ABCD-EFGH-JK", "9 letters and digits"),
        ("A" * 10_000, "9 letters and digits"),
        ("ABCD-EFGH-\u0410", "9 letters and digits"),
        ("ABCD-EFG0-J", "no code has"),
        ("ABCD/EFG#", "no code has"),
    ],
)
def test_what_is_no_code_is_told_why(typed: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        normalised(typed)


@pytest.mark.parametrize("typed", ["exam.invigil", "invigil://key/a.b.c", "a.b.c", "ABCD/EFGH", "", "ABCD-EFGH-JKLM"])
def test_other_things_do_not_look_like_a_code(typed: str) -> None:
    assert not looks_like_code(typed)


def test_the_example_in_the_sentence_is_a_code_that_nobody_is_likely_to_have() -> None:
    code = new_code(secrets.randbelow)
    with pytest.raises(BadInput) as refused:
        normalised(code[:-1])
    example = str(refused.value).split("such as ")[1].split(";")[0]
    with pytest.raises(BadInput, match="mistyped"):
        normalised(example)
