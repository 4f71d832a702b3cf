"""What stands in the page's address, and what is made of what does."""

import pytest

from mriseg import Settings
from mriseg.app.url_state import compose, parse
from mriseg.datasets.samples import SAMPLES

OTHER = Settings(
    contrast="t2",
    mask="all",
    margin=-1.5,
    pixel_size=0.5,
    smoothness=2.5,
    correct_bias=False,
    bias_strength=5.0,
    use_position=False,
    classes=4,
)


@pytest.mark.parametrize("source", SAMPLES)
@pytest.mark.parametrize("own", [True, False])
def test_a_state_comes_back_as_it_was(source, own):
    settings = SAMPLES[source].settings if own else OTHER
    if own and source == next(iter(SAMPLES)):
        assert compose(source, settings) == {}  # what the page opens on needs no words
    else:
        assert parse(compose(source, settings)) == (source, settings)


def test_of_an_upload_nothing_is_written():
    assert compose("0f3a 0", OTHER) == {}


@pytest.mark.parametrize(
    "asked",
    [
        {"smoothness": "-1"},
        {"smoothness": "nan"},
        {"smoothness": "1e400"},
        {"classes": "two"},
        {"classes": "1000000"},
        {"contrast": "<script>"},
        {"pixel_size": "inf"},
        {"mask": "../../etc/passwd"},
        {"nothing": "known"},
    ],
)
def test_what_is_no_setting_is_passed_over(asked):
    source = next(iter(SAMPLES))
    assert parse({"scan": source, **asked}) == (source, SAMPLES[source].settings)


def test_the_pixel_size_that_a_sample_comes_with_can_be_taken_away():
    source = next(iter(SAMPLES))
    assert SAMPLES[source].settings.pixel_size is not None
    assert compose(source, Settings()) == {"scan": source, "pixel_size": "none"}
    assert parse(compose(source, Settings())) == (source, Settings())


def test_what_names_no_sample_is_no_state():
    assert parse({}) is None
    assert parse({"scan": "/etc/passwd", "classes": "4"}) is None
