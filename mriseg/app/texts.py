"""What the page says, in one place. Tissue names come from `mriseg.tissue`, errors and warnings from the engine."""

PURPOSE = "Gray matter, white matter and cerebrospinal fluid of brain MR images, the arithmetic in the open."
NOT_A_DEVICE = "Not a medical device."
FOR_WHAT = "For research and education; not a medical device."
PRIVACY = (
    "A scan that you drop is sent to the server that runs this page, is kept in its memory for your visit only, and is "
    "never written to disk. Do not upload anything that names a person: remove it first, or run mriseg on your own "
    "computer."
)

UPLOAD = "Drop a scan"
UPLOAD_HELP = (
    "All DICOM files of a series, or a zip of them; a volume as NIfTI, Analyze, MGH, NRRD, MetaImage, MINC or PAR/REC, "
    "both halves of it together; or a picture of one slice as PNG, JPEG, TIFF, BMP, WebP or GIF. It is segmented at "
    "once."
)
FOLDER = "Or a whole folder"
FOLDER_UPLOAD = "Choose a folder"
ITEM = "Scan in it"
ITEM_HELP = "Several scans were found. The one that shows the tissues best is taken unless you choose another."
TOGETHER = "Fit together with"
NOT_SHOWN = "Not segmented:"
SOURCE = "Shown scan"
YOUR_SCAN = "Your scan"
CONTRAST = "Contrast"
CONTRAST_HELP = "Auto decides from where the classes lie. If fluid and white matter are exchanged, say here what it is."
BRAIN = "Brain"
BRAIN_HELP = (
    "Find it; or take a skull-stripped scan as it is, where it is above zero; or take the whole image; or upload a "
    "mask: an image on the scan's grid that is above zero in the brain."
)
BRAIN_CHOICES = {
    "auto": "Find it",
    "none": "Already skull-stripped",
    "all": "Use everything",
    "own": "My own mask",
}
MASK_UPLOAD = "Drop the mask"
NO_MASK_YET = "On the scan's grid, above zero in the brain. Until one is dropped, the brain is searched."
MARGIN = "Tighter or looser (mm)"
MARGIN_HELP = "Move the border of the brain inwards (below 0) or outwards. The brain is not searched again."
OUTLINE = "Outline"
OUTLINE_HELP = "Draw the border of the brain mask on the scan, to see whether it runs along the inner skull."
MASK_SURE = "Brain mask **{:.0%}** sure"
MASK_SAID = "Brain mask **as you said**"
PIXEL_SIZE = "Pixel size in mm"
PIXEL_SIZE_HELP = (
    "A picture does not say how large its pixels are. With their side there are volumes, without only shares."
)
MODEL = "Model"
SMOOTHNESS = "Smoothness"
SMOOTHNESS_HELP = (
    "How much a voxel listens to its neighbours (Markov random field): 1 as much as the noise of this scan asks for, "
    "0 not at all."
)
CLASSES = "Classes"
CLASSES_HELP = (
    "Gaussians of pure tissue. Three are the tissues; with another number each class is given to the tissue that it "
    "looks like, and position is not asked. The criteria below say what the histogram itself would take."
)
POSITION = "Ask the average brain"
POSITION_HELP = (
    "In volumes, softly expect each tissue where the average brain has it. It tells the deep nuclei from white matter; "
    "lesions and wide ventricles win against it."
)
CHANNELS = "Add T2 or FLAIR of the same head"
CHANNELS_HELP = "One or two further contrasts on the same grid. The mixture is then fitted to all of them together."
BIAS = "Correct the bias field"
BIAS_HELP = "Estimate the smooth shading of the coil together with the mixture, and divide it out."

ORIGINAL = "Original"
SEGMENTED = "Segmented"
PLANE = "Plane"
SLICE = "Slice"
OPACITY = "Colour"
OPACITY_HELP = "How much the tissue colours cover the scan."
RADIOLOGICAL = "Radiological"
RADIOLOGICAL_HELP = "On: the patient's right is at the left of the screen. Off: left is at the left."
SIDES_UNKNOWN = "Left and right unknown"
SAVE_VIEW = "Save this view"

HISTOGRAM_ALT = "Histogram of the brain's intensities with the fitted Gaussians of the three tissues over it."
INTENSITY = "Intensity after bias correction (arbitrary units)"
VOXELS = "Voxels"
PIXELS = "Pixels"
HISTOGRAM_BARS = "Counted"
MIXED = "Mixed voxels"
DEEP_GRAY = "Deep gray"
SUM = "Sum"
THRESHOLD = "threshold"

FITTED_HELP = (
    "Share, mean and standard deviation of each class, in the scan's own units. Mixed voxels hold two tissues: their "
    "mean lies anywhere between those of the two."
)
JOINT_ALT = "Joint histogram of the first two contrasts with an ellipse for each tissue at two standard deviations."
JOINT_X, JOINT_Y = "Intensity of the first contrast", "Intensity of the second contrast"
SELECTION = "How many classes?"
SELECTION_HELP = (
    "Akaike's and Bayes' criteria of mixtures of two to six classes on this histogram, as differences from the best: 0 "
    "is best. They count voxels as independent, which neighbours are not, so on a volume both like more classes than "
    "there are tissues."
)
MIXED_ROW, OUTLIERS = "Mixed", "Outliers"
METHOD = "How this was computed"
METHOD_WORDS = """
Each voxel's intensity $x$ is drawn from one of the tissues $k$, with share $\\pi_k$, mean $\\mu_k$ and variance
$\\Sigma_k$ (in one dimension $\\sigma_k^2$). Voxels on a border hold two tissues: they are a class of their own, with
the mean anywhere between the two. A small share of outliers, such as vessels, may lie anywhere. In a volume the shares
differ from zone to zone of the average brain, which says softly what to expect where, and the deep nuclei, brighter
than cortex on T1, have a Gaussian of their own.
Expectation-maximisation finds the parameters on the histogram of the brain, together with a smooth bias field; a
Markov random field then asks each voxel's neighbours, and where the classes lie in the brain says which tissue each
of them is.
"""
FITTED = "With the values fitted to this scan:"

NAMES_SURE = "names {:.0%} sure"
AS_YOU_SAID = "as you said"
INTERVAL_HELP = (
    "With a probability of 95 % between {:.0f} and {:.0f} mL, if the brain mask is right. The sum of each voxel's "
    "partial volumes."
)
OF_CAVITY = "of the cavity"
CAVITY = "Cranial cavity"
PARENCHYMA = "Brain parenchyma"
CNR = "Contrast to noise"
BIAS_RANGE = "Bias range"
MIXED_SHARE = "Mixed voxels"
TIME = "Computed in"
TOTALS_HELP = (
    "Cranial cavity: brain with the fluid in and around it. Brain parenchyma: gray and white matter as a share of it. "
    "Contrast to noise: the distance of the means of gray and white matter over their joint spread; below 1 the border "
    "between them is a guess. Bias range: by how much the shading differs over the brain. Mixed voxels: those that the "
    "mixture takes for two tissues at once."
)

TRUTH = "Agreement with the known truth (Dice)"
TRUTH_HELP = "Dice overlap of each tissue with what the scan was simulated from: 1 is perfect."

DOWNLOADS = "Downloads"
UNFORESEEN = (
    "The scan could not be segmented, for a reason that mriseg did not foresee. The page goes on working: try "
    "another scan, or report the kind of file that you used."
)
TOO_LITTLE_MEMORY = (
    "There is not enough memory on this server for the scan. Crop it to the head, or run mriseg on your own computer."
)
