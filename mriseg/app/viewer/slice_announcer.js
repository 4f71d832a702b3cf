// Tells the other parts of the page which slice the viewer shows: an event on the document whenever it is another one,
// and whenever somebody asks.

export const SLICE_SHOWN = "mriseg-slice"; // its detail: the header of the result, and the slice
export const SLICE_REQUEST = "mriseg-slice-request";

export class SliceAnnouncer {
  constructor() {
    this.shown = null;
    this.answer = () => this.dispatch();
    document.addEventListener(SLICE_REQUEST, this.answer);
  }

  announce(header, slice) {
    if (!slice || (this.shown?.header === header && this.shown.slice === slice)) return;
    this.shown = { header, slice };
    this.dispatch();
  }

  dispatch() {
    if (this.shown) document.dispatchEvent(new CustomEvent(SLICE_SHOWN, { detail: this.shown }));
  }

  close() {
    document.removeEventListener(SLICE_REQUEST, this.answer);
  }
}
