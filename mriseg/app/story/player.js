// The pace of the story: which step is shown, and what the play button does.

export const SPEEDS = [0.5, 1, 2, 4];
const READING_TIME = 5000; // ms at speed 1 that a step stands, when nothing moves in it or no more

// Goes through steps. `show(number)` draws a step and returns it; a step that moves has `pace` (ms at speed 1),
// `rewind()` and `advance()`, which moves it on and says whether there is more to come.
export class Player {
  constructor({ count, show, changed }) {
    Object.assign(this, { count, show, changed, number: 0, speed: 1, isPlaying: false, step: null });
  }

  go(number) {
    this.number = Math.max(0, Math.min(this.count - 1, number));
    this.step = this.show(this.number);
    this.begin();
    this.changed();
  }

  // Play from here, from the first step if this is the last one; or pause.
  toggle() {
    this.isPlaying = !this.isPlaying;
    if (this.isPlaying && this.number === this.count - 1) {
      this.go(0);
      return;
    }
    this.begin();
    this.changed();
  }

  // Play the step from its beginning, if playing.
  begin() {
    this.close();
    if (!this.isPlaying || !this.step) return;
    this.step.rewind?.();
    this.await(this.step.pace ?? READING_TIME, () => this.move());
  }

  move() {
    if (this.step.advance?.()) this.await(this.step.pace, () => this.move());
    else if (this.step.pace) this.await(READING_TIME, () => this.turn());
    else this.turn();
  }

  turn() {
    if (this.number < this.count - 1) this.go(this.number + 1);
    else this.toggle();
  }

  await(milliseconds, then) {
    this.timer = setTimeout(then, milliseconds / this.speed);
  }

  close() {
    clearTimeout(this.timer);
  }
}
