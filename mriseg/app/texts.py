"""What the page says, in one place. Names of tissues are in `mriseg.core.tissue`, errors and warnings the engine's."""

PURPOSE = "Gray matter, white matter and fluid in brain MR images, measured in the open."
NOT_A_DEVICE = "For research and education. Not a medical device."
ABOUT = "mriseg {}. How to cite it, its source and its license come with the program (CITATION.cff, README, LICENSE)."
PRIVACY = (
    "A scan that you drop is sent to the server that runs this page and kept in its memory for your visit only; while "
    "a large one arrives, a nameless temporary file holds it. Do not upload anything that names a person: remove it "
    "first, or run mriseg on your own computer."
)

UPLOAD = "Drop a scan: DICOM folder or zip, NIfTI, JPG, PNG, TIFF …"
UPLOAD_HELP = (
    "All DICOM files of a series, or a zip of them; a volume as NIfTI, Analyze, MGH, NRRD, MetaImage, MINC or PAR/REC, "
    "both halves of it together; or a picture of one slice as PNG, JPEG, TIFF, BMP, WebP or GIF. It is segmented at "
    "once; it can be dropped anywhere on the page. For several scans, one after the other, there is the tab Study."
)
FOLDER = "Upload a DICOM folder"
FOLDER_UPLOAD = "Choose a folder"
ITEM = "Series"
ITEM_HELP = "Several scans were found. The one that shows the tissues best is taken unless you choose another."
TOGETHER = "Combine with (multi-contrast)"
NOT_SHOWN = "Not segmented:"
SOURCE = "Scan"
UPLOADED = "Upload {}{}"
DROP_SHEET = "Drop to segment"
CHOOSE = "Choose a scan"
CANCEL, CANCELING = "Cancel", "Canceling …"
UPLOADING, WAITING, DRAWING = "Uploading the scan", "Waiting for the server", "Drawing the result"
READING = "Reading the scan"
PROGRESS = "Progress"
TOO_LARGE = (
    "The file is larger than {} MB, which is the most that this page takes. Crop it to the head, or compress it."
)
AND_MORE = "{} and {} more"
REFUSED_PICTURE = "The scan as it was read, without a segmentation"
REMEDIES_HEAD = "What may help:"
REMEDIES = {
    "skull-stripped": "It is already skull-stripped",
    "whole-image": "Use the whole image",
    "search": "Extract the brain automatically",
    "outline": "Do not shrink the brain outline",
}
OTHER_SERIES = "Show series: {}"
SCAN_ID = "Scan ID (optional)"
SCAN_ID_HELP = (
    "Stands in the report and in the names of the files that you download, and nowhere else. Letters, digits, - _ and "
    "the point. Do not type what names a person."
)
SCAN_ID_USED = "Used as: {}"
CONTRAST = "Contrast"
CONTRAST_HELP = (
    "T1: T1-weighted. T2: T2-weighted. PD: proton density-weighted. FLAIR: fluid-attenuated inversion recovery. Auto "
    "decides from where the tissues lie. If fluid and white matter are exchanged, choose the contrast of the scan here."
)
BRAIN = "Brain extraction"
BRAIN_HELP = (
    "Automatic: the brain is searched in the head. Already skull-stripped: all that is not background is brain. Use "
    "the whole image: every voxel is. My own mask: an image on the scan's grid that is above zero in the brain."
)
BRAIN_CHOICES = {
    "auto": "Automatic",
    "none": "Already skull-stripped",
    "all": "Use the whole image",
    "own": "My own mask",
}
MASK_UPLOAD = "Drop the brain mask"
NO_MASK_YET = "On the scan's grid, above zero in the brain. Until one is dropped, the brain is extracted automatically."
MARGIN, MARGIN_MM = "Brain outline: shrink / grow", "Brain outline: shrink / grow (mm)"
MARGIN_HELP = "Move the outline of the brain inwards (below 0) or outwards. The brain is not searched again."
PIXEL_SIZE = "Pixel size in mm"
PIXEL_SIZE_HELP = (
    "A picture does not say how large its pixels are. With their side there are volumes, without only shares."
)
MODEL = "Model"
SMOOTHNESS = "Spatial smoothing strength"
SMOOTHNESS_HELP = (
    "How strongly neighboring voxels are drawn to the same tissue (Markov random field): 1 as strongly as the noise of "
    "this scan requires, 0 not at all."
)
CLASSES = "Number of tissue classes"
CLASSES_HELP = (
    "3 = gray matter, white matter, cerebrospinal fluid. With another number each class is assigned to the tissue that "
    "it resembles, and the anatomical prior is not used."
)
POSITION = "Use anatomical prior (MNI152)"
POSITION_HELP = (
    "In volumes, a standard brain (MNI152) serves as a weak prior of where each tissue lies. It separates the deep "
    "nuclei from white matter; lesions and wide ventricles prevail over it."
)
LESIONS = "Set abnormal tissue apart"
LESIONS_HELP = (
    "What is unlike any of the three tissues, by its intensity and its place, is striped and counted by itself; the "
    "tissues are measured without it. Off: every voxel of the brain is one of the three. It is no diagnosis: healthy "
    "tissue may be marked, and what is abnormal may be missed."
)
CHANNELS = "Add T2 or FLAIR of the same head"
CHANNELS_HELP = "One or two further contrasts on the same grid. The mixture is then fitted to all of them together."
BIAS = "Bias field correction"
BIAS_OFF = "off"
BIAS_HELP = (
    "The smooth shading of the coil is estimated together with the mixture and divided out. The larger the number, the "
    "more freely the field may bend."
)
RESET = "Reset settings"
RESET_HELP = "Bring every setting back to its default. The scan stays."

ORIGINAL = "Original"
PLANE = "Plane"
SLICE = "Slice"
LAYOUT = "Layout"
LAYOUTS = {
    "side": "Side by side",
    "overlay": "Overlay",
    "swipe": "Swipe",
    "three": "Three planes",
    "original": "Original alone",
    "compare": "Comparison",
}
LAYER = "Map"
LAYERS = {
    "segmented": "Segmented",
    "posterior-gm": "Probability of gray matter",
    "posterior-wm": "Probability of white matter",
    "posterior-csf": "Probability of fluid",
    "posterior-abnormal": "Probability of abnormal tissue",
    "entropy": "Uncertainty",
    "corrected": "Bias-corrected image",
    "field": "Bias field",
    "mask": "Brain mask",
}
OPACITY = "Overlay opacity"
OPACITY_HELP = "How much the tissue colors cover the scan."
WINDOW_WIDTH = "Window"
WINDOW_LEVEL = "Level"
CONTOURS = "Contours"
CONTOURS_HELP = "Draw the borders of the tissues instead of filling them."
OUTLINE = "Brain border"
OUTLINE_HELP = "Draw the border of the brain mask on the scan, to see whether it runs along the inner skull."
NEAR = "Zoom to the head"
NEAR_HELP = "Show what lies around the brain, without the air."
RADIOLOGICAL = "Radiological"
RADIOLOGICAL_HELP = "On: the patient's right is at the left of the screen. Off: left is at the left."
SIDES_UNKNOWN = "Left and right unknown"
MORE_CONTROLS = "Display options"
OF = "of"  # slice 75 of 181
ALL_SLICES, ALL_SLICES_HELP = "All slices", "All slices of this plane side by side (A)"
FULL_SCREEN, FULL_SCREEN_HELP = "Full screen", "Full screen (F)"
SAVE_PICTURE = "Save picture"
SAVE_PICTURE_HELP = (
    "Save what is shown as a PNG file, with title, color key, scale and sides, twice as large as on the screen"
)
KEYS, KEYS_TITLE, CLOSE = "Keys", "Keys, mouse and touch", "Close"
VIEWER_KEYS = (
    (("Click", "Drag"), "Move the cursor; the other planes follow"),
    (("Arrow keys", "Wheel"), "Next slice, or next pixel of a picture (click a slice first)"),
    (("Page up", "Page down"), "Ten slices up or down"),
    (("+", "−", "Ctrl + wheel", "Pinch"), "Zoom in and out"),
    (("Space + drag", "Middle button", "Two fingers"), "Move the zoomed picture"),
    (("0", "Double click"), "Back to the whole slice"),
    (("Shift + drag", "Right button"), "Window and level"),
    (("[", "]"), "Move the line of the layout Swipe"),
    (("A",), "All slices of this plane"),
    (("F",), "Full screen"),
    (("?",), "This list"),
    (("Esc",), "Close or leave full screen"),
)
UNCERTAINTY_KEY = "Uncertainty (entropy / log 3)"
UNCERTAINTY_ENDS = ("0 certain", "1 undecided")
MASK_KEY, OUTLINE_KEY = "Brain mask and its outline", "Outline of the brain mask"
ELSEWHERE_KEY = "Background here, tissue in: {}"
ORIGIN = "mriseg {}, research and education, not a medical device"
TISSUE_HELP = "Click to show or hide. Point at it to see this tissue alone."
PROBE_HELP = "Hover over the brain to see a voxel's intensity and tissue probabilities."
DISAGREEMENT = "Where they differ (colors of this result)"
CANVAS_HELP = (
    "Click or drag: the other planes follow. Arrow keys: from slice to slice. Ctrl and wheel: zoom. All keys: press ?"
)
PIXEL = "Pixel"
PROBED_INTENSITY = "intensity"
PROBED_CORRECTED = "corrected"
PROBED_SHADING = "shading"
OUTSIDE = "outside the brain"

HISTOGRAM_ALT = "Histogram of the brain's intensities with the fitted Gaussians of the three tissues over it."
INTENSITY = "Intensity after bias correction (arbitrary units)"
VOXELS = "Voxels"
PIXELS = "Pixels"
HISTOGRAM_BARS = "Measured voxels"
SUM = "Fitted total"
ONE_OF_SEVERAL = "{} {}"  # where several classes are one tissue: its name and their number from dark to bright
DRAG_HINT = "↔ Drag a curve: see what changes"
# What the viewer's script says while curves are dragged; `{}` is filled in there.
WHAT_IF = {
    "hint": DRAG_HINT,
    "badge": "What if: not the result",
    "mean": "{}: mean and share",
    "meanHelp": "Drag: left and right moves the mean, up and down the share. Arrow keys do the same.",
    "meanValue": "mean {}, share {} %",
    "width": "{}: width (standard deviation)",
    "widthHelp": "Drag left or right: wider or narrower. Arrow keys do the same.",
    "widthValue": "standard deviation {}",
    "threshold": "Threshold {}",
    "thresholdHelp": "Drag left or right: move the threshold. Arrow keys do the same.",
    "inBrain": "Share of the whole brain, as far as the histogram tells: of the fit, then what if",
    "inSlice": "This slice:",
    "back": "Back to the fit",
    "backHelp": "Put everything back to the result (Escape)",
    "fit": "Fit from here",
    "fitHelp": (
        "Run plain expectation-maximization on the histogram, one Gaussian per tissue, starting where you left them."
    ),
    "dragging": "Drag on, or press Escape: back to the fit",
    "fitting": (
        "Plain EM with one Gaussian per tissue, starting where you left them. Iteration {}: log-likelihood per voxel {}"
    ),
    "fitted": (
        "Plain EM with one Gaussian per tissue, started where you left them, ended after {} iterations: "
        "log-likelihood per voxel {}"
    ),
    "intensity": "Intensity",
    "measured": HISTOGRAM_BARS,
    "total": SUM,
    "none": "No tissue",
}
LOGARITHMIC = "Logarithmic counts"
LOGARITHMIC_HELP = "Counts rise by powers of ten, so that small classes are seen beside large ones."
BEFORE_CORRECTION = "Before bias correction"
BEFORE_CORRECTION_HELP = "Also draw the histogram as it was before the shading was divided out."
STEPS = "Step by step"
STEPS_WORDS = (
    "Expectation-maximization from a deliberately bad start on this scan's own histogram: each step first says how far "
    "each intensity belongs to each Gaussian, then moves the Gaussians to the means and spreads of what belongs to "
    "them. The likelihood never falls."
)
STEP = "Iteration"
ITERATION = "{}"
LOG_LIKELIHOOD = "Log-likelihood per voxel"
CLIMB_ALT = "Log-likelihood over the iterations of expectation-maximization; it rises and levels off."

FITTED_HEAD = "| | Share π | Mean μ | SD σ |"
FITTED_HELP = (
    "Share, mean and standard deviation of each tissue's voxels, in the scan's own units. These shares count each "
    "voxel by the probability that it is mostly that tissue, the shares beside the volumes by how much of each tissue "
    "it holds, so the two differ. The formula with every Gaussian stands in the method tab below."
)
JOINT_ALT = "Joint histogram of the first two contrasts with an ellipse for each tissue at two standard deviations."
JOINT_X, JOINT_Y = "Intensity of the first contrast", "Intensity of the second contrast"
SELECTION = "How many classes?"
SELECTION_HELP = (
    "Akaike's and Bayes' criteria of mixtures of two to six classes on this histogram, as differences from the best: 0 "
    "is best. They count voxels as independent, which neighbors are not, so on a volume both like more classes than "
    "there are tissues."
)
CURVES_HEADING = "### What is drawn over the histogram"
CURVES_WORDS = """
- $x$: intensity of a voxel after the shading $b$ was divided out, $x=y/b$, where $y$ is the intensity in the scan
- $p(x)$: the fitted total, how often the curves expect that intensity, per unit of intensity
- $k$: a tissue, or no tissue (vessels, bone, what is set apart as abnormal)
- $j$: one of the Gaussians that the curve of $k$ is the sum of
- $w_{kj}$, $m_{kj}$, $s_{kj}$: share of the brain's voxels, mean and standard deviation of that Gaussian; all shares
  add up to 1
- $\\mathcal{N}(x\\mid m,s^2)=\\frac{1}{s\\sqrt{2\\pi}}\\,e^{-(x-m)^2/2s^2}$: the bell curve (Gaussian) of mean $m$
  and variance $s^2$

The curves show what the voxels of each tissue look like once they are named. Each is a sum of as many Gaussians as it
takes, since cortex and deep nuclei, voxels that hold a part of the next tissue, and noise make real tissues sharper
at the peak and skewed. Nothing else is in the total.
"""
NAMING_HEADING = "### What names the voxels"
NAMING_WORDS = """
- $q(x)$: the density of intensities by the mixture that decides which tissue a voxel is
- $\\pi_k$, $\\mu_k$, $\\sigma_k$: share of the brain's voxels that are pure tissue $k$, their mean and standard
  deviation (of several contrasts fitted together, $\\mu_k$ is a vector and $\\sigma_k^2$ a matrix of covariances)
- $a$, $b$: two tissues that share voxels on their border, of means $\\mu_a$ and $\\mu_b$; $\\pi_{ab}$: share of the
  voxels that hold both
- $m_{ab}(x)$: the density of such mixed voxels; $f$: the fraction of tissue $b$ in one of them, from 0 to 1, all
  fractions alike likely up to one half and again beyond it, as $h_{ab}(f)$ says; $\\sigma$: the noise of a mixed
  voxel
- $\\omega$, $u(x)$: share and density of outliers, which may have any intensity from $x_0$ to $x_1$ alike: vessels,
  bone, fat

Expectation-maximization (EM) finds all of these on the histogram of the brain, and with them the smooth shading $b$
(bias field). Weak expectations hold it to what brains are like: fluid is little, the noise is nearly the same
everywhere. In a volume the shares differ from zone to zone of a standard brain (MNI152), a weak anatomical prior. The
probability of a tissue in a voxel is what $q$ gives to its pure and mostly mixed voxels, over all of $q$; a Markov
random field then also asks each voxel's neighbors, and where the classes lie in the brain says which tissue each of
them is.
"""
NAMING_HEAD = "| | Share | Mean | Standard deviation |"
PURE, MIXED_OF = "Pure {}", "Mixed: {} and {}"
BETWEEN_MEANS = "between both"
DEEP_GRAY = "Deep gray nuclei"
OUTLIERS = "Outliers"
OUTLIER_RANGE = "{} to {}, all alike"
FITTED = "With the values fitted to this scan:"

CONFIDENCE = "{} confidence"
AS_CHOSEN = "as chosen, {} confidence"
RANGE = "95 % range {:.0f}–{:.0f} mL"
INTERVAL_HELP = (
    "95 % range {}–{}, if the brain outline is right. The volume is the sum of the partial volumes of all voxels, {} "
    "of intracranial volume (ICV); of a picture it is per mm of slice thickness."
)
APART = "Show separately"
APART_HELP = (
    "Their intensities cannot be separated in this scan, so they are shown as one. On: the model's best guess of each."
)
ABNORMAL_HELP = (
    "Tissue unlike gray matter, white matter and fluid, and not counted in them: {}. It may be healthy tissue with "
    "unusual intensity, and abnormal tissue may be missed. This is no diagnosis."
)
PARTS, LARGEST = "parts", "the largest"
SIDES = {"left": "mostly on the left", "right": "mostly on the right", "both": "on both sides", "unknown": ""}
FILLED = "If abnormal tissue is replaced by what a standard brain (MNI152) has there: {}."
ABNORMAL_MEANING = "Unlike any of the three tissues, each voxel counted by its probability; no diagnosis."
OF_ICV = "of ICV"
OF_VOLUME = "of intracranial volume (ICV)"
OF_AREA = "of intracranial area"
ML_PER_MM = "mL/mm"
ICV = "Intracranial volume (ICV)"
PARENCHYMA = "Brain parenchymal fraction (BPF)"
RATIO = "Gray/white ratio"
OUTLINE_CONFIDENCE = "Brain outline: **{}** confidence"
OUTLINE_GIVEN = "Brain outline **as chosen**: **{}** confidence"
TIME = "Computed in"
TOTALS_HELP = (
    "Intracranial volume (ICV): brain and cerebrospinal fluid. Brain parenchymal fraction (BPF): gray and white "
    "matter as a share of ICV, without abnormal tissue."
)
TO_CHECK = "To check: {}"
REASONS = "Reasons"
SHOW_REASON = "Show"
LEVELS = {"GOOD": "passed", "CARE": "use with care", "NOT": "do not use"}
FIT_EXPLAINED = "The fitted curves explain {} of the voxels."
NOTHING_AGAINST = "Nothing unusual was found."
VOLUMES_HEAD = "| | Value | 95 % range | Share of ICV | What it means |"
FIGURES_HEAD = "| | Value | Usual | Better | What it means |"
FIGURES_HEAD_ALONE = "| | Value | Better | What it means |"
USUAL_T1 = (
    "Usual: range of T1-weighted volumes. A value outside of it is marked; it need not be wrong. Letters are MRIQC's."
)
USUAL_UNKNOWN = (
    "Usual ranges are known for T1-weighted volumes only, so none are shown for this scan. Letters are MRIQC's."
)
IN_PARTS = "SNR of each tissue, misfit by intensity"
GOOD = {"high": "higher", "low": "lower", "one": "near 1", "none": ""}
VOLUME_MEANING = "Sum of the partial volumes; the range holds if the outline is right."
ICV_MEANING = "Brain and cerebrospinal fluid: the volume within the brain outline."
VOXEL_SIZE, VOXEL_SIZE_MEANING = "Voxel size", "Left to right, back to front, bottom to top."
SHARES_HELP = (
    "These shares count how much of each tissue a voxel holds. The shares π of the fitted curves count each voxel by "
    "the probability that it is mostly that tissue, so the two differ."
)

# The tab Story; what stands in braces the script fills in, see `mriseg/app/story/`.
STORY = {
    "story": "Story: from a picture to labels by a plain mixture of three Gaussians, step by step. Arrow keys go from "
    "step to step, the space bar plays.",
    "previous": "Previous",
    "next": "Next",
    "play": "Play",
    "pause": "Pause",
    "speed": "Speed",
    "stepTitle": "{number}. {title}",
    "picture": "Picture",
    "slice": "{plane}, slice {number}",
    "pixel": "Pixel in row {row}, column {column}",
    "anyPixel": "A pixel",
    "steps": {
        "picture": {
            "title": "The picture",
            "words": "This is the slice in the viewer above, all of it: {rows} rows and {columns} columns, {count} "
            "pixels. To a computer each pixel is one number.",
        },
        "gray": {
            "title": "Its gray values",
            "words": "A small patch of it, enlarged: the darker a pixel, the lower its number. A gray value of MRI has "
            "no unit; it depends on scanner and sequence.",
        },
        "line": {
            "title": "Flattened to one dimension",
            "words": "The rows are laid end to end, {count} gray values in one line. From here on the plain method "
            "knows only the values, and no longer where each pixel was.",
        },
        "mixture": {
            "title": "Histogram and mixture of three Gaussians",
            "words": "How often does each gray value occur? Three bell curves are fitted to the bars. "
            "Expectation-maximization (EM) repeats two moves: it says how far each gray value belongs to each curve, "
            "then moves the curves to what belongs to them. Each pixel has the color of its likeliest class. Press "
            "Play, or move the slider below the bars.",
        },
        "labels": {
            "title": "Labels back in shape",
            "words": "Each pixel has the number of its likeliest class, and the line is folded back to {rows} rows. "
            "This is all that the plain method does.",
        },
        "lessons": {
            "title": "What goes wrong, and what mriseg does about it",
            "words": "Four things go wrong in this very slice, each counted against mriseg's own result of it. Choose "
            "one to see where.",
        },
    },
    "pointAtPatch": "Point at another part of the picture to see its numbers.",
    "lineAlt": "Gray values in the order of their pixels, as a line.",
    "oneRow": "Row {row} alone",
    "allRows": "All {rows} rows end to end",
    "column": "column",
    "pixelNumber": "number of the pixel in the line",
    "grayValue": "gray value",
    "pixels": "Pixels, up to",
    "cut": "The highest bar is cut off: {count} pixels",
    "histogramAlt": "Histogram of all gray values of the slice, the three Gaussians and their sum over it.",
    "colored": "Each pixel in the color of its likeliest class",
    "labels": "Labels of the plain mixture",
    "className": "Class {number}",
    "share": "Share π",
    "mean": "Mean μ",
    "sd": "SD σ",
    "iteration": "Iteration",
    "iterationOf": "Iteration {number} of {last}",
    "likelihood": "Log-likelihood per pixel: {value}. It never falls.",
    "likelihoodAlt": "Log-likelihood over the iterations; it rises and levels off.",
    "likelihoodAxis": "iteration",
    "belongs": "{pixel}, gray value {value}, belongs to",
    "symbols": {
        "x": "the gray value of a pixel",
        "p(x)": "how often the mixture expects that value, per unit of gray value; orange in the plot",
        "k": "the number of a class, 1 the darkest",
        "πₖ": "share of all pixels that belong to class k; the three add up to 1",
        "μₖ, σₖ": "mean and standard deviation of the gray values of class k",
        "𝒩(x | μ, σ²)": "the bell curve with that mean and variance, exp(−(x − μ)² / 2σ²) / (σ √2π)",
        "πₖ 𝒩(x | μₖ, σₖ²) / p(x)": "how far a pixel of gray value x belongs to class k (its responsibility)",
        "log-likelihood": "mean of ln p(x) over all pixels: the higher, the better the curves explain the bars",
    },
    "remedy": "What mriseg does:",
    "outside": "Outside the brain",
    "notTruth": "Counted against mriseg's result, which is not the truth either. How both do where the truth is known "
    "is in the table below.",
    "tooFewGrayValues": "This slice has too few gray values for three Gaussians. Go to another slice in the viewer.",
    "lessons": {
        "outside": {
            "title": "Air and scalp as tissue",
            "marked": "Pixels with a class that lie outside the brain: {share} of the picture",
            "wrong": "Every pixel of the picture has a class, also air, skull, scalp and eyes: {share} of all pixels "
            "lie outside the brain. The three Gaussians are spent on them as well, so few are left for the tissues.",
            "remedy": "It finds the brain first, says how sure its outline is, and fits the mixture to that alone.",
        },
        "names": {
            "title": "Classes without a name",
            "marked": "Pixels of the brain that disagree with mriseg's tissues: {share}",
            "wrong": "A mixture numbers its classes and does not say which is gray matter. With the names that fit "
            "best here ({names}), {share} of the brain still disagrees. What each class holds:",
            "remedy": "It names the tissues by where they lie, finds out the contrast (fluid is dark on T1 and bright "
            "on T2), says how sure the names are, and sets apart what is none of the three.",
        },
        "shading": {
            "title": "Shading by the coil",
            "marked": "Pixels of the brain that change their class once the shading is divided out: {share}",
            "wrong": "The coil makes the same tissue brighter in one part of the picture than in another, here by "
            "factors from {least} to {most}. One threshold for all of it cannot be right everywhere: {share} of the "
            "brain would have another class without the shading.",
            "remedy": "It estimates this smooth bias field together with the mixture and divides it out.",
        },
        "mixed": {
            "title": "Mixed voxels",
            "marked": "Pixels of the brain that touch another tissue: {share}",
            "wrong": "A pixel on the border of two tissues may hold both, and its gray value then lies between theirs: "
            "half dark and half bright looks like the tissue in the middle. {share} of the brain touch another "
            "tissue; there {border} disagree, elsewhere {elsewhere}.",
            "remedy": "Mixed voxels have curves of their own in its mixture, each voxel also asks its neighbors, and "
            "volumes count parts of voxels.",
        },
    },
}
LADDER = "What each step buys, against the ground truth (Dice)"
LADDER_WORDS = (
    "Dice overlap with what this scan was simulated from, 0 to 1 (perfect), from the plain mixture to the full model. "
    "In a picture nothing is known of position, so the last two rows are alike."
)
LADDER_OF_SAMPLE = (
    "Nobody knows the truth of this scan. So this is the simulated sample that the page opens on: Dice overlap with "
    "what it was simulated from, 0 to 1 (perfect), from the plain mixture to the full model. In a picture nothing is "
    "known of position, so the last two rows are alike."
)
LADDER_WORKING = "Segmenting by every method …"
MEAN_DICE = "Mean"

COMPARE_WITH = "Compare with"
COMPARISONS = {
    "nothing": "–",
    "truth": "Ground truth",
    "method": "A simpler method",
    "file": "Upload reference labels",
    "pinned": "Pinned result",
}
SIMPLER_METHOD = "Method"
COMPARED_ABOVE = (
    "The viewer shows the other segmentation, this one, and where they differ, in this one's colors (green where it "
    "has none)."
)
WHOLE_VOXELS = "Volumes are counted in whole voxels here; the tiles count parts of voxels."
PIN = "Pin this result"
PIN_HELP = "Then change a setting: the viewer shows the pinned result beside the new one."
NOTHING_PINNED = "No result of this scan is pinned yet."
REMEMBERED_TITLE, REFERENCE_TITLE, TRUTH_TITLE = "Pinned result", "Reference", "Ground truth"
REFERENCE_UPLOAD = "Drop reference labels"
REFERENCE_HELP = "Labels on the scan's grid in any order: NIfTI and the other volume formats, or a picture."
MATCHED = "Each number of the reference was matched to the tissue that it overlaps most. Change what is wrong."
LABEL = "Label {} ({:.0%} overlap)"
NO_TISSUE = "Not used"
AGREEMENT_HEAD = "| This result against: {} | Dice | Jaccard | Volume difference | 95 % Hausdorff distance ({}) |"
MM, PIXELS = "mm", "pixels"
ALL_METHODS = "Score all methods"
ALL_METHODS_HELP = "Segment this scan by every simpler method, too, and list how far each agrees (Dice)."
LADDER_HEAD = "| Method (Dice) | {} | Agreement with this result | Seconds |"
LADDER_TRUTH = "Mean, against ground truth"
LADDER_NOTE = (
    "Of the simpler methods the seconds are those beyond what this result provides (brain outline, bias field); of the "
    "full model all of them."
)

TRUTH = "Agreement with the ground truth (Dice)"
TRUTH_HELP = "Dice overlap of each tissue with what the scan was simulated from: 1 is perfect."

DOWNLOADS = "Downloads"
FILES = {
    "report-html": "Report (HTML)",
    "report-pdf": "Report (PDF)",
    "figure": "Picture with key (PNG)",
    "color-labels": "Segmentation in color (PNG)",
    "animation": "Animation (GIF)",
    "labels": "Labels",
    "posteriors": "Probabilities",
    "mask": "Brain mask",
    "volumes": "Volumes (CSV)",
    "figures": "All figures (JSON)",
    "everything": "Everything (zip)",
}
FILE_GROUPS = {"reports": "Report", "pictures": "Pictures", "programs": "For programs", "all": ""}
NO_LONGER = "This result is no longer kept. Draw the page again and download from there."
TAB_STORY, TAB_NUMBERS, TAB_COMPARE, TAB_RENDERING, TAB_METHOD, TAB_STUDY = (
    "Story",
    "Numbers and trust",
    "Compare",
    "3-D",
    "How this was computed",
    "Study",
)
RENDERED = "Tissues"
CUT_PLANE, CUT_DEPTH = "Cut open", "Depth of the cut"
CUT_PLANES = {"SAGITTAL": "From the left", "CORONAL": "From the front", "AXIAL": "From above", "": "Whole"}
RENDERING_WORDS = (
    "Drag to turn; scroll to move the cut, or to zoom if the brain is whole. Colors are those of the tissues."
)
RENDERING_CUT = "The tissues are cut open at the middle of what is abnormal; switch it off to see all of them."
NO_RENDERING = "A picture has one slice only; there is nothing to turn. Drop a volume to see it in three dimensions."

TOO_MUCH_DROPPED = (
    "Together these files are larger than the {} MB that the server can hold of one visitor. Take them away and drop "
    "the folder or zip of one series."
)
TOO_MANY_DROPPED = (
    "These are more than the {} files that the server takes in one visit. Take them away, and drop the folder of one "
    "series or a zip; if that is refused too, draw the page anew."
)
UPLOAD_BROKE = (
    "The upload broke off: nothing more came over the network. Take these files away and drop them again, over a "
    "faster connection or as a zip."
)
NO_ROOM = (
    "Others have so many scans on this server now that there is no room for yours. Take it away and drop it again in "
    "some minutes, or run mriseg on your own computer."
)
# While others are served, by how many are before: one, or more.
BEFORE_YOURS = (
    "",
    "1 scan before yours. It begins by itself.",
    "{} scans before yours. It begins by itself.",
)

STUDY_WORDS = (
    "Up to {} scans, segmented one after the other with the default settings; the contrast of each is found. You can "
    "use the rest of the page meanwhile."
)
STUDY_UPLOAD = "Drop the scans of a study"
STUDY_UPLOAD_HELP = (
    "Each file is a scan: a volume, a picture, or a zip of a DICOM series; of several scans in one file the one that "
    "shows the tissues best is taken. Loose DICOM files that are dropped together are one scan for each series. Pack a "
    "volume in two halves into a zip. At most {} MB in all."
)
STUDY_START, STUDY_CONTINUE, STUDY_STOP, STUDY_CLEAR = "Start", "Continue", "Stop", "Clear"
STUDY_STOP_HELP = "The scan that is being segmented waits again; what is done is kept."
STUDY_CLEAR_HELP = "Let go of all scans and results of this study."
STUDY_ZIP = "Everything (zip)"
STUDY_ZIP_HELP = (
    "Labels, probabilities, masks, figures and pictures of each scan that is done, the table and a report on all of "
    "them. No file is called as yours was: sub-01 is the scan that you dropped first."
)
STUDY_COUNTS = "{} done, {} failed, {} waiting."
STUDY_PROGRESS = "{}: {} …"
STUDY_STOPPING = "Stopping after this step …"
STUDY_STAGES = {
    "turn": "Waiting until the scan of another visitor is done",
    "read": "Reading the scan",
    "write": "Packing the results",
}
STUDY_SOURCE = "upload {}"
STUDY_TOO_MANY = (
    "At most {} scans are taken; the others were left out. Clear the study to begin another, or run mriseg on your own "
    "computer."
)
STUDY_TOO_LARGE = (
    "More than {} MB would wait at a time; what came last was left out. Start, and drop it once some scans are done."
)
STUDY_INCOMPLETE = (
    "There was no room on the server for all files of {}. The zip has their figures and pictures, and of the other "
    "files what found room. Segment them on their own, or run mriseg on your own computer."
)
STUDY_CAPTION = "Scans of the study, in the order in which they were dropped"
STUDY_SCAN, STUDY_CONTRAST, STUDY_VERDICT = "Scan", "Contrast", "Verdict"
STUDY_WAITING, STUDY_FAILED, STUDY_BEST_OF = "Waiting", "Failed.", "the best of {} in it"
STUDY_PICTURE = "Slices of {}, bare and with the tissues in their colors"
STUDY_WHY = "Why"
STUDY_NO_VOLUME = "no pixel size"
STUDY_README = "- `{}`: which scan of the study each was, by the order of upload and the number of voxels\n"
