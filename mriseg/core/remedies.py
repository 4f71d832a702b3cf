"""What may help where a scan was refused, for those who can offer it to be chosen."""

from enum import StrEnum


class Remedy(StrEnum):
    """A setting to try next."""

    SKULL_STRIPPED = "skull-stripped"  # take all that is not background for brain
    WHOLE_IMAGE = "whole-image"  # take every voxel for brain
    SEARCH = "search"  # search the brain, whatever mask was asked for
    OUTLINE = "outline"  # leave the outline where it was found


# Where no brain in its skull was found.
TAKE_AS_IT_IS = (Remedy.SKULL_STRIPPED, Remedy.WHOLE_IMAGE)
