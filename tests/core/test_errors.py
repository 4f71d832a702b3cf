"""The one tree of errors."""

import pickle

import pytest

from mriseg.core import errors
from mriseg.core.errors import ColorError, MrisegError, ReadError, TooLargeError
from mriseg.core.remedies import TAKE_AS_IT_IS

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_of_the_one_tree_and_a_value_error(kind):
    assert issubclass(kind, MrisegError)
    assert issubclass(kind, ValueError)
    assert str(kind("What is wrong. What to do.")) == "What is wrong. What to do."


def test_what_cannot_be_read_is_that_and_nothing_else():
    assert {kind for kind in KINDS if issubclass(kind, ReadError)} == {ReadError, TooLargeError, ColorError}


def test_what_may_help_goes_with_an_error_and_not_into_its_words():
    error = pickle.loads(pickle.dumps(errors.BrainNotFoundError("No brain.", TAKE_AS_IT_IS)))
    assert str(error) == "No brain."
    assert error.remedies == TAKE_AS_IT_IS
