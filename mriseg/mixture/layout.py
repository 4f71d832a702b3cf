"""Where each Gaussian of a tissue mixture stands: pure classes, the voxels that two of them share, deep gray matter."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from mriseg.mixture import em

# A voxel on the border of two tissues holds a uniformly distributed fraction of each. Six steps of the
# fraction are a Gaussian comb finer than the noise on every scan tried; twelve gave the same labels.
FRACTION_STEPS = 6
# Pairs of the three tissues' classes, from dark to bright, that share voxels: neighbors in intensity, and the outer
# two, which touch where the cortex is bare of the third (gray matter and fluid on FLAIR) or at the ventricles.
MIXED_PAIRS = ((0, 1), (1, 2), (0, 2))


@dataclass(frozen=True)
class DeepGray:
    """Where the deep nuclei stand in a mixture that has a Gaussian of their own.

    Attributes
    ----------
    gray, white : int
        The classes between whose means theirs lies. Deep gray matter counts as gray matter.
    mean : int
        Row of their mean.
    component, gaussian : int
        Of the voxels that are deep gray matter alone.
    mixed : tuple of int
        Components of the voxels shared with white matter, those mostly of the nuclei and those mostly white.
    """

    gray: int
    white: int
    mean: int
    component: int
    gaussian: int
    mixed: tuple[int, int]


@dataclass(frozen=True)
class MixtureLayout:
    """The Gaussians of a tissue mixture by name instead of by number.

    Components stand in this order: the pure classes from dark to bright; of each pair that shares voxels those mostly
    of its first class and those mostly of its second; and, where deep gray matter has a Gaussian of its own, the
    voxels that it shares with white matter, mostly of the one and mostly of the other, and itself. Two halves a pair,
    since fluid in a thin sulcus is seldom pure and fluid at a ventricle's wall often nearly so.

    Attributes
    ----------
    classes : int
        Pure classes that have a name.
    deep_between : tuple of int, optional
        The classes of gray and white matter where deep gray matter has a mean of its own between them.

    Examples
    --------
    >>> layout = MixtureLayout(3, deep_between=(1, 2))
    >>> layout.pure, layout.mixed[0, 1], layout.deep.mixed, layout.deep.component
    (slice(0, 3, None), (3, 4), (9, 10), 11)
    >>> layout.mixed[1, 0]  # mostly the class that is named first, whichever that is
    (4, 3)
    >>> layout.class_of_component.tolist()
    [0, 1, 2, 0, 1, 1, 2, 0, 2, 1, 2, 1]
    """

    classes: int = 3
    deep_between: tuple[int, int] | None = None

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Which classes share voxels; of other numbers than three, neighbors in intensity alone."""
        return MIXED_PAIRS if self.classes == len(MIXED_PAIRS) else tuple(pairwise(range(self.classes)))

    @property
    def pure(self) -> slice:
        """The pure classes, among the means, covariances, Gaussians and components alike."""
        return slice(0, self.classes)

    @property
    def mixed_covariance(self) -> int:
        """The covariance of all Gaussians but the pure ones: the noise alone."""
        return self.classes

    @cached_property
    def mixed(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Of each pair, in either order, the components mostly of its first and mostly of its second class."""
        components = {}
        for at, (a, b) in enumerate(self.pairs):
            mostly_a, mostly_b = self.classes + 2 * at, self.classes + 2 * at + 1
            components[a, b], components[b, a] = (mostly_a, mostly_b), (mostly_b, mostly_a)
        return components

    @property
    def deep(self) -> DeepGray | None:
        """Where the deep nuclei stand; None where they have no Gaussian of their own."""
        if self.deep_between is None:
            return None
        gray, white = self.deep_between
        shared = self.classes + 2 * len(self.pairs)
        gaussian = self.classes + FRACTION_STEPS * (len(self.pairs) + 1)
        return DeepGray(gray, white, self.classes, component=shared + 2, gaussian=gaussian, mixed=(shared, shared + 1))

    @property
    def components(self) -> int:
        """How many there are."""
        return len(self.class_of_component)

    @cached_property
    def class_of_component(self) -> np.ndarray:
        """The class that the voxels of each component are mostly of, shape (components,)."""
        halves = [half for pair in self.pairs for half in pair]
        deep = [] if self.deep is None else [self.deep.gray, self.deep.white, self.deep.gray]
        return np.array([*range(self.classes), *halves, *deep])

    @cached_property
    def structure(self) -> em.Structure:
        """The same as `em.expectation_maximization` takes it: pure classes with a covariance each, all others one."""
        unit = np.eye(self.classes + (self.deep is not None))
        rows, components = [*unit[self.pure]], [*range(self.classes)]
        mixed = [(unit[a], unit[b], self.mixed[a, b]) for a, b in self.pairs]
        if self.deep is not None:
            mixed.append((unit[self.deep.mean], unit[self.deep.white], self.deep.mixed))
        steps = (np.arange(FRACTION_STEPS) + 0.5) / FRACTION_STEPS
        for one, other, halves in mixed:
            rows += [(1 - f) * one + f * other for f in steps]
            components += [halves[int(f > 0.5)] for f in steps]
        if self.deep is not None:
            rows.append(unit[self.deep.mean])
            components.append(self.deep.component)
        covariances = np.full(len(rows), self.mixed_covariance)
        covariances[self.pure] = np.arange(self.classes)
        return em.Structure(np.array(rows), np.array(components), covariances)
