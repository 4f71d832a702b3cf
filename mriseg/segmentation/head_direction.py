"""Whether a head lies in its scan as the header says, by how the average brain was laid over it.

A right header gives axes of the patient, however the patient lay: nobody nods or turns the head by more than 45 degrees
against the body in a coil. What is found to be turned by more has a header with wrong axes. That left and right are
exchanged alone cannot be found out: a head is too nearly the mirror image of itself.
"""

from dataclasses import dataclass

import numpy as np

from mriseg.brain.extraction import Brain
from mriseg.core.scan import TURNED_DEGREES, Scan
from mriseg.image.orientation import turn_degrees

NOSE, CROWN = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])  # directions in MNI coordinates
TOWARD = (("left", "right"), ("back", "front"), ("feet", "top"))  # along RAS+ axes


@dataclass(frozen=True)
class HeadDirection:
    """How a head lies to the axes that its header states.

    Attributes
    ----------
    degrees : float
        By how much it is turned against them, 0 to 180.
    nose, crown : str
        Where by the header its nose points, and the top of it: "left", "right", "back", "front", "feet" or "top".
    """

    degrees: float
    nose: str
    crown: str

    @property
    def contradicts_header(self) -> bool:
        """Whether the header's axes must be wrong."""
        return self.degrees > TURNED_DEGREES


def head_direction(canonical: Scan, brain: Brain) -> HeadDirection | None:
    """How a head lies to the axes of its header.

    Parameters
    ----------
    canonical : Scan
        In canonical axes.
    brain : Brain
        As it was found in it.

    Returns
    -------
    HeadDirection or None
        None where no average brain was laid over it, or what it was laid over may be none.
    """
    if brain.registration is None or brain.doubtful or canonical.affine is None or canonical.spacing is None:
        return None
    turn = canonical.affine[:3, :3] / canonical.spacing @ brain.registration.affine[:3, :3]
    return HeadDirection(turn_degrees(turn), _toward(turn @ NOSE), _toward(turn @ CROWN))


def _toward(direction: np.ndarray) -> str:
    """The side of the body that a direction in RAS+ coordinates points to most."""
    axis = int(np.abs(direction).argmax())
    return TOWARD[axis][int(direction[axis] > 0)]
