// Pixels as numbers of 32 bits, as the bytes red, green, blue and opacity stand in memory. Pure functions.

export function packColor([red, green, blue], alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// How bright an intensity is on the screen, 0 to 255.
export function grayOf(intensity, { black, white }) {
  return Math.max(0, Math.min(255, Math.round((intensity - black) * (255 / (white - black)))));
}
