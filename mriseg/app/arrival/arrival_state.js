// What the browser knows of a scan on its way: dropped, uploading, at work, or standing with all that belongs to it.
// From the drop on, which the browser knows of before the server, what is shown is of another scan.

// With neither upload nor run for so long nothing comes of a drop: all of it was refused.
export const QUIET_MS = 3000;
// Of the same scan the result of a setting is often there at once; a veil for a moment would only flicker.
export const LIGHT_AFTER_MS = 300;
// The veil never outlasts the work by more than this, whatever part of the page does not come.
export const GIVEN_UP_MS = 10000;

export const VEIL = { none: "none", light: "light", full: "full" };

export function atRest() {
  return { drops: null, pendingSince: null, work: null, since: null, busyAt: 0 };
}

// Files were given to the page.
export function afterDrop(state, now) {
  return { ...state, pendingSince: now, since: state.since ?? now, busyAt: now };
}

// The state after a look at the page. `sight` is what it shows: `mark`, what the server says of its run; `isUploading`
// and `isRunning`; and `isTogether`, whether verdict, pictures and figures are those of the mark.
export function afterLook(state, sight, now) {
  const next = { ...state };
  if (sight.isUploading || sight.isRunning) next.busyAt = now;
  const quiet = now - next.busyAt;
  if (sight.mark) takeMark(next, sight.mark, now);
  if (next.pendingSince !== null && quiet > QUIET_MS) next.pendingSince = null;
  const stands = sight.mark?.phase === "stands" && sight.isTogether;
  if (next.work && (stands || (!sight.isRunning && quiet > GIVEN_UP_MS))) next.work = null;
  if (next.work === null && next.pendingSince === null) next.since = null;
  return next;
}

function takeMark(next, mark, now) {
  const isTold = next.drops !== null && mark.drops > next.drops;
  if (isTold && next.pendingSince !== null) {
    next.pendingSince = null;
    next.work = { isOtherScan: true, began: now };
  }
  next.drops = mark.drops;
  if (mark.phase !== "work") return;
  next.since ??= now;
  const isOtherScan = mark.isOtherScan || Boolean(next.work?.isOtherScan);
  next.work = { isOtherScan, began: next.work?.began ?? now };
}

export function veilOf(state, now) {
  if (state.pendingSince !== null || state.work?.isOtherScan) return VEIL.full;
  return state.work && now - state.work.began >= LIGHT_AFTER_MS ? VEIL.light : VEIL.none;
}

export function isBusy(state) {
  return state.pendingSince !== null || state.work !== null;
}

// Time as it is shown: "4 s", "1 min 5 s".
export function elapsedText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
