// The plain mixture of three Gaussians of the usual demonstration: every pixel of the slice counts, air and scalp too,
// and each is judged by its gray value alone. Pure functions. A mixture has `shares`, `means` and `variances`, a number
// of each class, from dark to bright.

export const CLASSES = 3;
const BINS = 256; // as many as a picture of 8 bits has gray values
const SINGLE_GAP = 1.5; // times the least gap between two gray values: rounded to levels, gaps of one size differ
const BIN_VARIANCE = 1 / 12; // of values anywhere in a bin of width 1: narrower than that no class can be seen to be
const LEAST_COUNT = 1e-3; // pixels: a class that has fewer stays where it is
// Gain of log-likelihood per pixel and iteration at which the climb is over: a tenth of scikit-learn's default.
const LEAST_GAIN = 1e-4;
const MOST_ITERATIONS = 100; // as scikit-learn's default has it

// How often each gray value occurs: `values` are the mean gray value of each bin's pixels, or the middle of an empty
// bin; `middles` are the middles of all. `binOf` holds the bin of each pixel. Null if there are too few gray values.
export function countGrayValues(levels, grayOfLevel) {
  const present = [...new Set(levels)].sort((a, b) => a - b);
  if (present.length <= CLASSES) return null;
  const [lowest, highest] = [present[0], present.at(-1)];
  const spacing = Math.max(spacingOf(present), (highest - lowest) / (BINS - 1));
  const bins = Math.round((highest - lowest) / spacing) + 1;
  const counts = new Float64Array(bins);
  const sums = new Float64Array(bins);
  const binOf = new Uint8Array(levels.length);
  for (let at = 0; at < levels.length; at += 1) {
    const bin = Math.round((levels[at] - lowest) / spacing);
    binOf[at] = bin;
    counts[bin] += 1;
    sums[bin] += levels[at];
  }
  const middles = Float64Array.from(counts, (_, bin) => grayOfLevel(lowest + bin * spacing));
  const values = middles.map((value, bin) => (counts[bin] ? grayOfLevel(sums[bin] / counts[bin]) : value));
  return { counts, values, middles, binOf, width: middles[1] - middles[0], pixels: levels.length };
}

// How far apart the gray values of the scan lie in levels: bins that are narrower would be empty in between.
function spacingOf(present) {
  const gaps = present.slice(1).map((level, n) => level - present[n]);
  const least = Math.min(...gaps);
  const single = gaps.filter((gap) => gap <= SINGLE_GAP * least); // the others skip gray values that do not occur
  return single.reduce((sum, gap) => sum + gap, 0) / single.length;
}

// Where the climb starts, the same for every run: means spread evenly over the gray values, one spread, equal shares.
export function evenStart({ middles }) {
  const low = middles[0];
  const range = middles.at(-1) - low;
  const classes = [...Array(CLASSES).keys()];
  return {
    shares: classes.map(() => 1 / CLASSES),
    means: classes.map((k) => low + (range * (k + 0.5)) / CLASSES),
    variances: classes.map(() => (range / CLASSES / 2) ** 2),
  };
}

export function gaussian(value, mean, variance) {
  return Math.exp((-0.5 * (value - mean) ** 2) / variance) / Math.sqrt(2 * Math.PI * variance);
}

// Share times density of each class at a gray value.
export function weightedDensities({ shares, means, variances }, value) {
  return shares.map((share, k) => share * gaussian(value, means[k], variances[k]));
}

// The logarithms of the same, which do not vanish far away from all classes.
function logDensities({ shares, means, variances }, value) {
  return shares.map(
    (share, k) =>
      Math.log(share) - 0.5 * Math.log(2 * Math.PI * variances[k]) - (0.5 * (value - means[k]) ** 2) / variances[k],
  );
}

// How far a gray value belongs to each class (sums to 1), and the logarithm of its density.
function expect(mixture, value) {
  const logs = logDensities(mixture, value);
  const highest = Math.max(...logs);
  const parts = logs.map((log) => Math.exp(log - highest));
  const sum = parts.reduce((total, part) => total + part, 0);
  return { responsibilities: parts.map((part) => part / sum), logDensity: highest + Math.log(sum) };
}

export function responsibilities(mixture, value) {
  return expect(mixture, value).responsibilities;
}

// One iteration of expectation-maximization: the mixture that follows, and how likely the pixels are by the one before,
// per pixel.
export function iterate(mixture, { counts, values, width, pixels }) {
  const zeros = () => new Float64Array(CLASSES);
  const [sums, firsts, seconds] = [zeros(), zeros(), zeros()];
  let logLikelihood = 0;
  for (let bin = 0; bin < counts.length; bin += 1) {
    if (!counts[bin]) continue;
    const { responsibilities: belongs, logDensity } = expect(mixture, values[bin]);
    logLikelihood += counts[bin] * logDensity;
    for (let k = 0; k < CLASSES; k += 1) {
      const count = counts[bin] * belongs[k];
      const away = values[bin] - mixture.means[k]; // about the mean before, since squares of large values would cancel
      sums[k] += count;
      firsts[k] += count * away;
      seconds[k] += count * away * away;
    }
  }
  return {
    mixture: maximize(mixture, { sums, firsts, seconds, pixels, width }),
    logLikelihood: logLikelihood / pixels,
  };
}

function maximize(before, { sums, firsts, seconds, pixels, width }) {
  const classes = before.means.map((mean, k) => {
    if (sums[k] < LEAST_COUNT) return { share: LEAST_COUNT / pixels, mean, variance: before.variances[k] };
    const shift = firsts[k] / sums[k];
    const variance = Math.max(seconds[k] / sums[k] - shift * shift, width * width * BIN_VARIANCE);
    return { share: sums[k] / pixels, mean: mean + shift, variance };
  });
  classes.sort((a, b) => a.mean - b.mean);
  return {
    shares: classes.map(({ share }) => share),
    means: classes.map(({ mean }) => mean),
    variances: classes.map(({ variance }) => variance),
  };
}

// The whole climb: the start and the mixture after each iteration, each with the log-likelihood per pixel, which never
// falls.
export function climb(histogram) {
  const steps = [];
  let mixture = evenStart(histogram);
  for (let iteration = 0; iteration <= MOST_ITERATIONS; iteration += 1) {
    const following = iterate(mixture, histogram);
    steps.push({ ...mixture, logLikelihood: following.logLikelihood });
    if (iteration && following.logLikelihood - steps[iteration - 1].logLikelihood < LEAST_GAIN) break;
    mixture = following.mixture;
  }
  return steps;
}

// The likeliest class of each bin, 0 the darkest.
export function classOfBins(mixture, { values }) {
  return Uint8Array.from(values, (value) => {
    const logs = logDensities(mixture, value);
    return logs.indexOf(Math.max(...logs));
  });
}

// The class of each pixel.
export function classOfPixels(mixture, histogram) {
  const classes = classOfBins(mixture, histogram);
  return histogram.binOf.map((bin) => classes[bin]);
}
