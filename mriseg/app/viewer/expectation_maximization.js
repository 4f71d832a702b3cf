// Plain expectation-maximization on the bars of a histogram, one Gaussian a tissue; what no tissue explains stays.
// A Gaussian is [weight, mean, standard deviation]. Pure functions.

import { NARROWEST, densityAt } from "./what_if.js";

const EMPTY = 1e-9; // of all voxels: a tissue that holds fewer keeps its mean and width
const ENOUGH = 1e-7; // gain of log-likelihood per voxel below which it has settled, as in the engine's fit of the curves
const MOST_STEPS = 200;
const SMALLEST = 1e-300; // keeps the logarithm of a density finite

// One Gaussian for each curve as tabulated, with its share, mean and standard deviation; together they hold `total`.
export function gaussiansOf(curves, { start, step }, total) {
  const all = curves.map((curve) => {
    let [zeroth, first, second] = [0, 0, 0];
    for (const [at, height] of curve.entries()) {
      zeroth += height;
      first += height * at;
      second += height * at * at;
    }
    if (!(zeroth > 0)) return [0, start, step];
    return [zeroth, start + (step * first) / zeroth, step * Math.sqrt(second / zeroth - (first / zeroth) ** 2)];
  });
  const sum = all.reduce((weights, [weight]) => weights + weight, 0);
  return all.map(([weight, mean, sd]) => [(total * weight) / sum, mean, Math.max(sd, step)]);
}

// One step: the Gaussians that the responsibilities of the old ones ask for, and the log-likelihood per voxel of the old.
// It never falls: together the weights stay what they are, and the best standard deviation above the least is taken.
export function emStep({ counts, first, width }, gaussians, none) {
  const sums = gaussians.map(() => [0, 0, 0]);
  const held = gaussians.reduce((sum, [weight]) => sum + weight, 0);
  let [logLikelihood, voxels] = [0, 0];
  for (const [bar, count] of counts.entries()) {
    if (!count) continue;
    const x = first + bar * width;
    const densities = gaussians.map((gaussian) => densityAt([gaussian], x));
    const density = Math.max(
      densities.reduce((sum, one) => sum + one, densityAt(none, x)),
      SMALLEST,
    );
    voxels += count;
    logLikelihood += count * Math.log(density);
    for (const [k, one] of densities.entries()) {
      const mine = (count * one) / density;
      sums[k][0] += mine;
      sums[k][1] += mine * bar; // counted in bars, where squares lose no digits
      sums[k][2] += mine * bar * bar;
    }
  }
  const total = sums.reduce((sum, [zeroth]) => sum + zeroth, 0);
  const next = sums.map(([zeroth, one, two], k) => {
    if (zeroth < EMPTY * voxels) return [(held * zeroth) / total, gaussians[k][1], gaussians[k][2]];
    const mean = one / zeroth;
    const sd = Math.sqrt(Math.max(two / zeroth - mean * mean, NARROWEST ** 2));
    return [(held * zeroth) / total, first + mean * width, sd * width];
  });
  return { gaussians: next, logLikelihood: logLikelihood / voxels };
}

// Step by step from a start until the likelihood rises no more: of each the number of steps done, the Gaussians and their
// log-likelihood per voxel.
export function* emPath(histogram, start, none) {
  let [gaussians, before] = [start, -Infinity];
  for (let iteration = 0; iteration <= MOST_STEPS; iteration += 1) {
    const { gaussians: next, logLikelihood } = emStep(histogram, gaussians, none);
    yield { iteration, gaussians, logLikelihood };
    if (logLikelihood - before < ENOUGH) return;
    [gaussians, before] = [next, logLikelihood];
  }
}
