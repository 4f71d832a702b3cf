// "Show" buttons elsewhere on the page: where they point is shown in the viewer, with a ring that flashes there.

import { add } from "./elements.js";
import { pointOfPixel } from "./navigation.js";

const EVENT = "mriseg-go"; // of the document; its detail is what `Viewer.goTo` takes
const RING_MS = 2400; // that the ring is seen

// Call `show` with each place that is asked for; returns what ends that.
export function heardPlace(show) {
  const hear = ({ detail }) => show(detail ?? {});
  document.addEventListener(EVENT, hear);
  return () => document.removeEventListener(EVENT, hear);
}

// Flash a ring around a pixel of a panel.
export function ringAt({ figure, viewport }, pixel) {
  const [x, y] = pointOfPixel(pixel, viewport);
  const ring = add(figure, "i", "mriseg-ring");
  ring.style.left = `${x}px`;
  ring.style.top = `${y}px`;
  setTimeout(() => ring.remove(), RING_MS);
}
