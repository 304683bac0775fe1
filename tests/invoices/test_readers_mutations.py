"""A few mutated files of every format: read or refused with a sentence, never anything else. The many are in bench/fuzz.py."""

import random

import pytest

from bench._fuzz_changes import mutate
from bench._fuzz_reading import read_one
from bench._fuzz_seeds import FORMATS, seeds

FILES = 15


@pytest.mark.parametrize("name", FORMATS)
def test_the_files_we_start_from_are_right(name: str) -> None:
    assert {read_one(name, content) for content in seeds(name, None)} == {"read"}


@pytest.mark.parametrize("name", FORMATS)
def test_mutations_are_read_or_refused(name: str) -> None:
    found = seeds(name, None)
    for index in range(FILES):
        drawn = random.Random(f"test/{name}/{index}")
        kind, content = mutate(name, drawn.choice(found), drawn)
        assert read_one(name, content).startswith(("read", "refused: ")), (name, index, kind)
