// The frame of the rendering: a plane that cuts the brain open, moved in the browser.

// NiiVue's spherical angles of a plane, degrees, by the canonical axis that it lies across: what it takes away lies to
// the left, in front and above.
const DIRECTIONS = { SAGITTAL: [270, 0], CORONAL: [180, 0], AXIAL: [0, 90] };
const NONE = [2, 0, 0]; // no plane, as NiiVue has it
const CLEAR = [0, 0, 0, 0]; // the plane itself is not drawn
const WHOLE = "";

/** The plane as NiiVue wants it: distance from the middle in lengths of the image, azimuth and elevation in degrees. */
export function clipPlane(plane, percent) {
  const direction = DIRECTIONS[plane];
  return direction ? [0.5 - percent / 100, ...direction] : NONE;
}

/** The depth in percent that NiiVue's distance from the middle stands for, between 0 and 100. */
export function percentOf(distance) {
  return Math.min(100, Math.max(0, Math.round(100 * (0.5 - distance))));
}

/** The arguments of the component in a message to the frame; null if it is none that draws. */
export function argumentsOf(data) {
  return data?.type === "streamlit:render" ? data.args : null;
}

/** Calls `found` with NiiVue's instance: the component gives it to nobody, but it binds its listeners to it. */
export function whenMade(found) {
  const bind = Function.prototype.bind;
  Function.prototype.bind = function (self, ...rest) {
    if (typeof self?.setClipPlane === "function" && typeof self.setClipPlaneColor === "function") {
      Function.prototype.bind = bind;
      found(self);
    }
    return bind.call(this, self, ...rest);
  };
}

/** Fills the controls with words and the first cut. */
function fill(form, { words, cut }) {
  const [planeLabel, depthLabel] = form.querySelectorAll("span");
  planeLabel.textContent = words.plane;
  depthLabel.textContent = words.depth;
  form.plane.replaceChildren(...Object.entries(words.planes).map(([value, title]) => new Option(title, value)));
  form.plane.value = cut.plane;
  form.depth.value = cut.percent;
  form.hidden = false;
}

/** Joins the controls with a viewer, once both are there. */
function connect(form, viewer) {
  const show = () => {
    const isWhole = form.plane.value === WHOLE;
    form.depth.disabled = isWhole;
    form.querySelector("output").textContent = isWhole ? "" : `${form.depth.value} %`;
  };
  const apply = () => {
    show();
    viewer.setClipPlane(clipPlane(form.plane.value, Number(form.depth.value)));
  };
  viewer.setClipPlaneColor(CLEAR);
  // The wheel moves the plane, too.
  viewer.onClipPlaneChange = () => {
    const [distance] = viewer.scene.clipPlaneDepthAziElevs[0];
    if (form.plane.value !== WHOLE && distance < 1) form.depth.value = percentOf(distance);
    show();
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

/** Waits for the arguments and for a viewer that has its image. */
function start(form) {
  let viewer = null;
  let isFilled = false;
  let isConnected = false;
  const join = () => {
    if (isConnected || !viewer || !isFilled) return;
    if (!viewer.volumes?.length || !viewer.renderShader) {
      setTimeout(join, 100);
      return;
    }
    isConnected = true;
    connect(form, viewer);
  };
  addEventListener("message", ({ data }) => {
    const given = argumentsOf(data);
    if (!given?.words || isFilled) return;
    fill(form, given);
    isFilled = true;
    join();
  });
  whenMade((made) => {
    viewer = made;
    join();
  });
}

const controls = globalThis.document?.querySelector("form#cut");
if (controls) start(controls);
