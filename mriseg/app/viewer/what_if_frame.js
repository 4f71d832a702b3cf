// The frame around a slice whose labels are not those of the result.

const FRAME_STYLE = "#ffb454";
const FRAME_WIDTH = 4; // points
const UP = 34; // points from the bottom to the middle of the words, above the letter of the side

// Draw it around a panel, unless what that shows does not hang on the labels. As it is on the canvas, it is also on what
// is copied from there; what the page itself saves is the result.
export function drawWhatIf(context, { shows, width, height }, { badge }) {
  if (shows === "original" || shows === "other") return;
  context.strokeStyle = FRAME_STYLE;
  context.lineWidth = FRAME_WIDTH;
  context.setLineDash([10, 6]);
  context.strokeRect(FRAME_WIDTH / 2, FRAME_WIDTH / 2, width - FRAME_WIDTH, height - FRAME_WIDTH);
  context.setLineDash([]);
  context.font = "bold 13px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const length = Math.min(context.measureText(badge).width + 14, width - 8);
  context.fillStyle = FRAME_STYLE;
  context.fillRect((width - length) / 2, height - UP - 10, length, 20);
  context.fillStyle = "#000";
  context.fillText(badge, width / 2, height - UP, length - 8);
}
