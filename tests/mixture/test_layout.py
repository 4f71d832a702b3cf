import numpy as np
import pytest

from mriseg.mixture.layout import FRACTION_STEPS, MIXED_PAIRS, MixtureLayout

LAYOUTS = [(2, None), (3, None), (4, None), (6, None), (3, (1, 2)), (3, (1, 0))]


@pytest.mark.parametrize(("classes", "deep"), LAYOUTS)
def test_every_gaussian_is_a_share_of_the_classes(classes, deep):
    structure = MixtureLayout(classes, deep).structure
    assert structure.fractions.shape[1] == classes + (deep is not None)
    np.testing.assert_allclose(structure.fractions.sum(1), 1)
    assert (structure.fractions >= 0).all()
    np.testing.assert_array_equal(structure.fractions[:classes], np.eye(classes, structure.fractions.shape[1]))


@pytest.mark.parametrize(("classes", "deep"), LAYOUTS)
def test_pure_classes_have_a_variance_each_and_all_others_one_together(classes, deep):
    structure = MixtureLayout(classes, deep).structure
    np.testing.assert_array_equal(structure.variance[:classes], np.arange(classes))
    assert (structure.variance[classes:] == classes).all()


@pytest.mark.parametrize(("classes", "deep"), LAYOUTS)
def test_each_mixed_pair_is_two_components_mostly_either(classes, deep):
    structure = MixtureLayout(classes, deep).structure
    mixed = [*MixtureLayout(classes).pairs, *([] if deep is None else [(classes, deep[1])])]
    components = np.arange(classes, classes + 2 * len(mixed)).reshape(-1, 2)
    for pair, halves in zip(mixed, components, strict=True):
        for mostly, less, half in zip(pair, pair[::-1], halves, strict=True):
            rows = structure.fractions[structure.component == half]
            assert len(rows) == FRACTION_STEPS / 2
            assert (rows[:, mostly] > 0.5).all()
            np.testing.assert_allclose(rows[:, mostly] + rows[:, less], 1)
    assert structure.component.max() == components.max() + (deep is not None)


def test_three_classes_share_voxels_with_each_other_and_more_with_their_neighbors():
    assert MixtureLayout().pairs == MIXED_PAIRS
    assert MixtureLayout(2).pairs == ((0, 1),)
    assert MixtureLayout(5).pairs == ((0, 1), (1, 2), (2, 3), (3, 4))


@pytest.mark.parametrize(("classes", "deep"), LAYOUTS)
def test_the_names_stand_for_the_components_that_the_fractions_show(classes, deep):
    """Every name against the matrix of fractions, which is what the fit sees."""
    layout = MixtureLayout(classes, deep)
    structure = layout.structure
    held = structure.members @ structure.fractions / structure.members.sum(1, keepdims=True)
    assert layout.components == len(held)
    np.testing.assert_array_equal(held[layout.pure], np.eye(*held[layout.pure].shape))
    named = [*range(classes)]
    for a, b in layout.pairs:
        mostly_a, mostly_b = layout.mixed[a, b]
        assert layout.mixed[b, a] == (mostly_b, mostly_a)
        assert held[[mostly_a, mostly_b], [a, b]] == pytest.approx([0.75, 0.75])
        assert held[[mostly_a, mostly_b], [b, a]] == pytest.approx([0.25, 0.25])
        named += [mostly_a, mostly_b]
    if deep is None:
        assert layout.deep is None
    else:
        mostly_deep, mostly_white = layout.deep.mixed
        assert held[layout.deep.component, layout.deep.mean] == 1
        assert structure.component[layout.deep.gaussian] == layout.deep.component
        assert held[mostly_deep, layout.deep.mean] == held[mostly_white, layout.deep.white] == pytest.approx(0.75)
        assert (layout.deep.gray, layout.deep.white) == deep
        named += [mostly_deep, mostly_white, layout.deep.component]
    assert sorted(named) == list(range(layout.components))


@pytest.mark.parametrize(("classes", "deep"), LAYOUTS)
def test_each_component_counts_to_the_class_it_is_mostly_of_and_deep_gray_matter_to_gray(classes, deep):
    layout = MixtureLayout(classes, deep)
    mostly = (layout.structure.members @ layout.structure.fractions).argmax(1)
    expected = mostly if deep is None else np.where(mostly == classes, deep[0], mostly)
    np.testing.assert_array_equal(layout.class_of_component, expected)
