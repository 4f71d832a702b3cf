// The buttons of the verdict's reasons: each leads to where its reason is seen.

const FLASH_MS = 1600;

// What a button asks for, from the event of a click; null where it was no such button.
export function askedFor(event) {
  const button = event.target.closest?.("[data-mriseg-go]");
  return button ? JSON.parse(button.dataset.mrisegGo) : null;
}

// Lead each click on such a button to the viewer, which hears `mriseg-go`, and to the histogram. Returns what ends it.
export function followReasons(page = document) {
  const follow = (event) => {
    const asked = askedFor(event);
    if (!asked) return;
    const { histogram, ...detail } = asked;
    if (detail.layer) page.dispatchEvent(new CustomEvent("mriseg-go", { detail }));
    const seen = page.querySelector(histogram ? ".st-key-histogram" : ".mriseg-viewer");
    seen?.scrollIntoView({ block: "nearest" });
    if (histogram) flash(seen);
  };
  page.addEventListener("click", follow);
  return () => page.removeEventListener("click", follow);
}

function flash(element) {
  const [on, off] = ["3px solid currentColor", "3px solid transparent"];
  element?.animate([{ outline: on }, { outline: off }], { duration: FLASH_MS });
}
