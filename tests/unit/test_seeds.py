from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xaitui.seeds import derive_seed

WORDS = st.lists(st.text() | st.integers(), max_size=4).map(tuple)


@given(st.integers(), WORDS)
def test_same_words_give_the_same_63_bits(seed: int, words: tuple[str | int, ...]) -> None:
    assert derive_seed(seed, *words) == derive_seed(seed, *words)
    assert 0 <= derive_seed(seed, *words) < 2**63


@given(st.integers(), WORDS, st.integers(), WORDS)
def test_other_words_give_another_seed(
    seed: int, words: tuple[str | int, ...], other_seed: int, other: tuple[str | int, ...]
) -> None:
    same = (seed, *words) == (other_seed, *other)
    assert (derive_seed(seed, *words) == derive_seed(other_seed, *other)) == same


def test_words_are_kept_apart() -> None:
    assert len({derive_seed(0, "a", "b"), derive_seed(0, "ab"), derive_seed(0, "b", "a"), derive_seed(0)}) == 4
    assert derive_seed(0, 1) != derive_seed(0, "1")


def test_seed_stays_what_it_was() -> None:
    """Another value would silently change every run that is repeated."""
    assert derive_seed(0, "order", 1) == 116889601432050504
