"""What is known of brains in each contrast: signals of the tissues, how much of each there is, and where."""

from mriseg.core.tissue import Contrast, Tissue

# Each pair is what is expected and its spread, which is no less than what sequences and anatomies differ by beyond
# those measured: a tenth of the brain, a twentieth in depth, and for signals what the physics leaves open.
# Of the class means by signal, (middle - dark) / (bright - dark) and dark / middle; of the brain, the signal that its
# brightest hundredth exceeds / middle.
SIGNALS = {
    Contrast.T1: ((0.57, 0.10), (0.48, 0.17), (1.50, 0.20)),
    Contrast.T2: ((0.25, 0.15), (0.72, 0.10), (2.10, 0.35)),
    Contrast.PD: ((0.51, 0.10), (0.87, 0.06), (1.25, 0.10)),
    Contrast.FLAIR: ((0.79, 0.10), (0.23, 0.12), (1.38, 0.15)),
    Contrast.UNKNOWN: ((0.50, 0.25), (0.50, 0.35), (1.70, 0.60)),  # about anything
}
# Share of the brain, mean depth, and share in the shallowest fifth. Depth is the rank of a voxel's distance to the
# brain's surface: 0 at the rim, 1 at the deepest point. They differ by contrast as the classes overlap: cortex that
# shares voxels with fluid looks like white matter on FLAIR, fluid and gray matter look alike on PD.
LOCATIONS = {
    Contrast.T1: {
        Tissue.CSF: ((0.15, 0.10), (0.34, 0.08), (0.48, 0.14)),
        Tissue.GM: ((0.45, 0.10), (0.46, 0.05), (0.23, 0.06)),
        Tissue.WM: ((0.39, 0.10), (0.61, 0.05), (0.04, 0.05)),
    },
    Contrast.T2: {
        Tissue.WM: ((0.40, 0.13), (0.57, 0.05), (0.10, 0.05)),
        Tissue.GM: ((0.45, 0.14), (0.46, 0.08), (0.24, 0.08)),
        Tissue.CSF: ((0.14, 0.10), (0.39, 0.08), (0.36, 0.10)),
    },
    Contrast.PD: {
        Tissue.WM: ((0.34, 0.10), (0.55, 0.05), (0.15, 0.05)),
        Tissue.GM: ((0.48, 0.10), (0.49, 0.05), (0.22, 0.05)),
        Tissue.CSF: ((0.17, 0.10), (0.46, 0.05), (0.24, 0.05)),
    },
    Contrast.FLAIR: {
        Tissue.CSF: ((0.14, 0.10), (0.35, 0.07), (0.41, 0.10)),
        Tissue.WM: ((0.50, 0.12), (0.53, 0.06), (0.15, 0.06)),
        Tissue.GM: ((0.37, 0.11), (0.52, 0.05), (0.17, 0.05)),
    },
}
# Where the classes are no tissues, as in noise, each lies anywhere.
ANYWHERE = ((0.33, 0.20), (0.50, 0.03), (0.20, 0.03))
RARE = 0.1  # how often that is, against a brain in each of the contrasts
