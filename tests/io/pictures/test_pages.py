import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.pictures.pages import is_stack, page_items, page_notes

HUGE = (limits.MAX_PIXELS, 2)


def best_of(shapes):
    items = page_items(shapes, len(shapes), lambda number: number)
    return max(items, key=lambda item: item.rank).load


@pytest.mark.parametrize(
    ("shapes", "best"),
    [
        ([(40, 50)], 0),
        ([(40, 50)] * 2, 0),
        ([(40, 50)] * 9, 4),
        ([(40, 50)] * 24, 11),
        ([(40, 50), (80, 100), (20, 25)], 1),
        ([(40, 50), (80, 100), (100, 80), (80, 100), (8, 10)], 2),
        ([HUGE, (40, 50)], 1),
    ],
)
def test_the_middle_of_the_largest_pages_comes_first(shapes, best):
    assert best_of(shapes) == best


def test_pages_of_a_size_that_is_not_read_are_left_out_or_listed_with_the_reason():
    items = page_items([HUGE, (40, 50), (3, 3)], 7, lambda number: number)
    assert [item.title for item in items] == [
        f"Page 1 of 7, picture of {limits.MAX_PIXELS} x 2 pixels",
        "Page 2 of 7, picture of 40 x 50 pixels",
    ]
    assert "at most" in items[0].refusal
    assert items[1].refusal is None


@pytest.mark.parametrize(
    ("shapes", "error"), [([HUGE], TooLargeError), ([(3, 3)], ReadError), ([(0, 0)] * 3, ReadError)]
)
def test_without_a_page_that_can_be_read_there_is_nothing_to_list(shapes, error):
    with pytest.raises(error):
        page_items(shapes, len(shapes), lambda number: number)


def test_notes_say_which_page_it_is():
    assert page_notes(0, 1, "why") == ()
    assert page_notes(4, 9) == ("The file holds 9 pictures; this is number 5.",)
    assert page_notes(4, 9, "Why.") == ("The file holds 9 pictures; this is number 5.", "Why.")


def test_a_stack_is_of_many_equal_pages():
    assert is_stack([(40, 50)] * 8)
    assert not is_stack([(40, 50)] * 7)
    assert not is_stack([(40, 50)] * 8 + [(50, 40)])
