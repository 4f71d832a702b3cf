"""Points of zero mean and unit spread, in which sums of squares lose no digits, and the way back to intensities."""

from dataclasses import dataclass, replace

import numpy as np

from mriseg.mixture.em import Parameters


@dataclass(frozen=True, eq=False)
class Standardization:
    """The center and the spread that counted intensities are standardized by.

    Attributes
    ----------
    center, spread : ndarray of shape (channels,)
        Mean and standard deviation of each channel; the spread of a channel of one value is 1.

    Examples
    --------
    >>> scale = Standardization.of(np.array([[10.0], [30.0]]), counts=np.array([1, 1]))
    >>> scale.points(np.array([[10.0], [20.0], [30.0]])).ravel().tolist()
    [-1.0, 0.0, 1.0]
    """

    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, intensities: np.ndarray, counts: np.ndarray) -> "Standardization":
        """That of intensities, shape (n, channels), each seen so many times, shape (n,)."""
        center = np.average(intensities, weights=counts, axis=0)
        spread = np.sqrt(np.average((intensities - center) ** 2, weights=counts, axis=0))
        return cls(center, np.where(spread == 0, 1.0, spread))

    def points(self, intensities: np.ndarray) -> np.ndarray:
        """Intensities, shape (n, channels), standardized."""
        return (intensities - self.center) / self.spread

    def standardize(self, parameters: Parameters) -> Parameters:
        """Parameters of a mixture of intensities as those of a mixture of points."""
        means = (parameters.means - self.center) / self.spread
        return replace(parameters, means=means, covariances=parameters.covariances / np.outer(self.spread, self.spread))

    def restore(self, parameters: Parameters) -> Parameters:
        """Parameters of a mixture of points as those of a mixture of intensities."""
        means = parameters.means * self.spread + self.center
        return replace(parameters, means=means, covariances=parameters.covariances * np.outer(self.spread, self.spread))
