// What the model would say if the curve of a tissue or a threshold stood elsewhere: pure functions.
// A Gaussian is [weight, mean, standard deviation]. A model holds the Gaussians of each curve, those of what no tissue
// explains, and how thresholds warp the intensities (`warp`: at each point of the table, where it is asked; or null).
// What a model says of all intensities is tabulated: each curve's height, and its probability among the curves.

const POINTS = 1024; // of a table: as fine as the levels in which slices come
const LEAST_POSTERIOR = 1 / 512; // half a step of the bytes of posteriors, which they cannot tell from none
const LEAST_SHARE = 0.002; // of the brain: a curve never vanishes, or nobody could take hold of it again
export const NARROWEST = 0.5; // of a bar: standard deviation that a curve has at least, as the engine's fit has it
const CLOSEST = 0.5; // of a bar: no threshold comes closer to the next

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// The intensities at which models are tabulated: from end to end of the bars.
export function tableOf({ first, width, counts }) {
  const start = first - width / 2;
  return { start, step: (counts.length * width) / (POINTS - 1), points: POINTS };
}

export function tablePoint(intensity, { start, step, points }) {
  return clamp(Math.round((intensity - start) / step), 0, points - 1);
}

export function intensityOfPoint(at, { start, step }) {
  return start + at * step;
}

// A value between the points of a table.
export function valueBetween(values, place) {
  const at = clamp(Math.floor(place), 0, values.length - 2);
  const part = clamp(place - at, 0, 1);
  return values[at] * (1 - part) + values[at + 1] * part;
}

export function fittedModel({ curves, none }) {
  return { curves: curves.map(({ gaussians }) => gaussians), none, warp: null };
}

// Share, mean and standard deviation of a curve.
export function momentsOf(gaussians) {
  const share = gaussians.reduce((sum, [weight]) => sum + weight, 0);
  const mean = gaussians.reduce((sum, [weight, at]) => sum + weight * at, 0) / share;
  const square = gaussians.reduce((sum, [weight, at, sd]) => sum + weight * (sd * sd + (at - mean) ** 2), 0);
  return { share, mean, sd: Math.sqrt(square / share) };
}

// The model with another mean, standard deviation or share of a curve, of which the form stays. The shares of the others
// shrink or grow alike, so that together all curves hold what they held.
export function withMoments(model, k, wanted, { width }) {
  const { share, mean, sd } = momentsOf(model.curves[k]);
  const others = model.curves.reduce((sum, curve, other) => sum + (other === k ? 0 : momentsOf(curve).share || 0), 0);
  const most = Math.max(share + others - LEAST_SHARE * (model.curves.length - 1), share);
  const newShare = others > 0 ? clamp(wanted.share ?? share, LEAST_SHARE, most) : share;
  const spread = Math.max(wanted.sd ?? sd, NARROWEST * width) / sd;
  const newMean = wanted.mean ?? mean;
  const scale = (share + others - newShare) / others;
  const curves = model.curves.map((curve, other) =>
    curve.map(([weight, at, deviation]) =>
      other === k
        ? [(weight * newShare) / share, newMean + spread * (at - mean), spread * deviation]
        : [weight * scale, at, deviation],
    ),
  );
  return { ...model, curves };
}

// The model in which what was said at a threshold is said at another intensity; between the intensities `low` and `high`
// all others move along, beyond none does.
export function withThreshold(model, { level, wanted, low, high }, table) {
  const margin = CLOSEST * table.step;
  const to = clamp(wanted, low + margin, high - margin);
  const warp = new Float64Array(table.points);
  for (let at = 0; at < table.points; at += 1) {
    const x = intensityOfPoint(at, table);
    let asked = x;
    if (x > low && x <= to) asked = low + ((x - low) * (level - low)) / (to - low);
    else if (x > to && x < high) asked = high - ((high - x) * (high - level)) / (high - to);
    const place = (asked - table.start) / table.step;
    warp[at] = model.warp ? valueBetween(model.warp, place) : asked;
  }
  return { ...model, warp };
}

// The logarithm of the density of a curve at an intensity, far from it too.
function logDensity(gaussians, x) {
  let [peak, sum] = [-Infinity, 0];
  for (const [weight, mean, sd] of gaussians) {
    const log = Math.log(weight / (sd * Math.sqrt(2 * Math.PI))) - 0.5 * ((x - mean) / sd) ** 2;
    if (log > peak) {
      sum = sum * Math.exp(peak - log) + 1;
      peak = log;
    } else sum += Math.exp(log - peak);
  }
  return peak + Math.log(sum);
}

// The density of a sum of Gaussians at an intensity.
export function densityAt(gaussians, x) {
  return gaussians.reduce(
    (sum, [weight, mean, sd]) =>
      sum + (weight / (sd * Math.sqrt(2 * Math.PI))) * Math.exp(-0.5 * ((x - mean) / sd) ** 2),
    0,
  );
}

// What a model says of the intensities of a table: `curves`, the density of each; `posteriors`, the probability of each
// among them; `none`, the density of what no tissue explains. A warp leaves the sum as it is and divides it otherwise.
export function tabulate(model, table) {
  const count = model.curves.length;
  const empty = () => Array.from({ length: count }, () => new Float64Array(table.points));
  const [curves, plain] = [empty(), empty()];
  const none = new Float64Array(table.points);
  const logs = new Float64Array(count);
  for (let at = 0; at < table.points; at += 1) {
    const x = intensityOfPoint(at, table);
    none[at] = densityAt(model.none, x);
    for (let k = 0; k < count; k += 1) logs[k] = logDensity(model.curves[k], x);
    const peak = Math.max(...logs);
    const sum = logs.reduce((total, log) => total + Math.exp(log - peak), 0);
    for (let k = 0; k < count; k += 1) {
      plain[k][at] = Math.exp(logs[k] - peak) / sum;
      curves[k][at] = Math.exp(logs[k]);
    }
  }
  if (!model.warp) return { curves, posteriors: plain, none };
  const posteriors = empty();
  for (let at = 0; at < table.points; at += 1) {
    const total = curves.reduce((sum, curve) => sum + curve[at], 0);
    const place = (model.warp[at] - table.start) / table.step;
    for (let k = 0; k < count; k += 1) {
      posteriors[k][at] = valueBetween(plain[k], place);
      curves[k][at] = total * posteriors[k][at];
    }
  }
  return { curves, posteriors, none };
}

// What lies between two tables: the one at 0, the other at 1.
export function blend(one, other, part) {
  const mix = (a, b) => a.map((value, at) => value * (1 - part) + b[at] * part);
  const mixAll = (a, b) => a.map((values, k) => mix(values, b[k]));
  return {
    curves: mixAll(one.curves, other.curves),
    posteriors: mixAll(one.posteriors, other.posteriors),
    none: one.none,
  };
}

// Of each tissue the curves' sum, by its number, in the order in which they first come.
export function byTissue(values, curves) {
  const sums = new Map();
  for (const [k, { tissue }] of curves.entries()) {
    const sum = sums.get(tissue);
    sums.set(tissue, sum ? sum.map((value, at) => value + values[k][at]) : values[k]);
  }
  return sums;
}

// Between which intensities thresholds lie: the outermost centers of classes, which move with their curves.
export function outerCenters(model, { curves }) {
  const centers = curves.flatMap(({ gaussians, centers: all }, k) => {
    const shift = momentsOf(model.curves[k]).mean - momentsOf(gaussians).mean;
    return all.map((center) => center + (shift || 0));
  });
  return [Math.min(...centers), Math.max(...centers)];
}

// Where the likeliest tissue changes between two intensities: the intensity, and the tissues below and above.
export function thresholdsOf(tables, { curves }, table, [low, high]) {
  const sums = [...byTissue(tables.posteriors, curves)];
  const winnerAt = (at) => sums.reduce((best, one) => (one[1][at] > best[1][at] ? one : best));
  const found = [];
  let before = winnerAt(0);
  for (let at = 1; at < table.points; at += 1) {
    const winner = winnerAt(at);
    if (winner !== before) {
      const [left, right] = [before[1][at - 1] - winner[1][at - 1], before[1][at] - winner[1][at]];
      const level = intensityOfPoint(at - 1 + (left > right ? left / (left - right) : 0.5), table);
      if (level > low && level < high) found.push({ level, below: before[0], above: winner[0] });
    }
    before = winner;
  }
  return found;
}

// By what a change multiplies the probability of each of the tissues in `numbers` at each intensity of a table. What a
// histogram's curves say is trusted no further than the bytes of posteriors go. Where gray and white matter are shown as
// one, so is their factor.
export function factorsOf(fitted, changed, { curves, joined }, numbers) {
  const [before, after] = [byTissue(fitted.posteriors, curves), byTissue(changed.posteriors, curves)];
  return numbers.map((number, k) => {
    const source = joined && k < 2 ? numbers[0] : number;
    const [old, now] = [before.get(source), after.get(source)];
    if (!old) return new Float64Array(fitted.none.length).fill(1);
    return old.map((value, at) => Math.max(now[at], LEAST_POSTERIOR) / Math.max(value, LEAST_POSTERIOR));
  });
}

// The probability that a tissue had, times the factor of a change. From none it rises as one would that the bytes of
// posteriors cannot tell from none; without a change it is what it was.
export function changedShare(share, factor) {
  return share * factor + LEAST_POSTERIOR * Math.max(0, factor - 1);
}

// Share of the brain that each tissue would have: that of the fit, and by how much the histogram's voxels change hands.
export function sharesOf(fitted, changed, { counts, curves, first, width, shares }, table) {
  const [before, after] = [byTissue(fitted.posteriors, curves), byTissue(changed.posteriors, curves)];
  const total = counts.reduce((sum, count) => sum + count, 0);
  const points = counts.map((_, bar) => tablePoint(first + bar * width, table));
  const moved = (number) =>
    before.has(number)
      ? counts.reduce(
          (sum, count, bar) => sum + count * (after.get(number)[points[bar]] - before.get(number)[points[bar]]),
          0,
        ) / total
      : 0;
  return Object.fromEntries(
    Object.entries(shares).map(([number, share]) => [number, clamp(share + moved(Number(number)), 0, 1)]),
  );
}
