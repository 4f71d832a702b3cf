"""What the browser may request."""

import pytest

from mriseg.app.viewer.viewer import SliceRequest, _slice_request

SHAPE = (30, 40, 50)
GOOD = {"result": "a b", "scan": "c", "cursor": [29, 0, 12], "slices": [[0, 29], [2, 49]], "count": 3}


def test_what_a_viewer_requests_is_read():
    assert _slice_request(GOOD, SHAPE) == SliceRequest("a b", "c", (29, 0, 12), ((0, 29), (2, 49)), 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cursor": [30, 0, 12]},
        {"cursor": [-1, 0, 12]},
        {"cursor": [True, 0, 12]},
        {"cursor": [1.5, 0, 12]},
        {"cursor": [1, 2]},
        {"cursor": "123"},
        {"slices": [[0, 30]]},
        {"slices": [[3, 1]]},
        {"slices": [[-1, 1]]},
        {"slices": [[0, 1, 2]]},
        {"slices": [[0, True]]},
        {"slices": [0, 1]},
        {"slices": [[0, 1]] * 1000},
        {"slices": {"0": 1}},
        {"slices": None},
        {"result": 5},
        {"scan": None},
        {"count": "3"},
        {"count": -1},
    ],
)
def test_anything_else_is_passed_over(wrong):
    assert _slice_request(GOOD | wrong, SHAPE) is None


@pytest.mark.parametrize("sent", [None, [], "request", 7, {}])
def test_what_is_no_request_is_passed_over(sent):
    assert _slice_request(sent, SHAPE) is None


def test_a_picture_is_sent_whole_and_nothing_is_asked_of_it():
    assert _slice_request(GOOD | {"cursor": [1, 2], "slices": [[0, 5]]}, (30, 40)) is None
