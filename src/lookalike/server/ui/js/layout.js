/** Rows of pictures of one height that fill the width, as of a printed page. */
const NARROWEST = 0.56;
const WIDEST = 3;

/** Width by height as shown: what is very long or very high is cut, so that a row stays a row. */
export function shownRatio(width, height) {
  return width && height ? Math.min(WIDEST, Math.max(NARROWEST, width / height)) : 1;
}

/**
 * Where pictures go: {x, y, w, h (Float32Array), rows: [{first, end, top, bottom}], height}. ratios: width by height of
 * each; aim: the height that rows have about; below: room under each picture; gaps: across and down.
 */
export function justify(ratios, width, aim, below, [across, down]) {
  const count = ratios.length;
  const boxes = { x: new Float32Array(count), y: new Float32Array(count), w: new Float32Array(count), h: new Float32Array(count) };
  const rows = [];
  let top = 0;
  let first = 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += ratios[i];
    const room = width - across * (i - first);
    const last = i === count - 1;
    if (sum * aim < room && !last) continue;
    let end = i + 1;
    const without = (width - across * (i - first - 1)) / (sum - ratios[i]); // the row's height if this one went to the next
    if (i > first && without - aim < aim - room / sum && without <= 1.35 * aim) {
      end = i;
      sum -= ratios[i];
    }
    const exact = (width - across * (end - first - 1)) / sum;
    const height = Math.min(exact, end === count && exact > 1.2 * aim ? aim : exact, 1.6 * aim);
    let x = 0;
    for (let j = first; j < end; j++) {
      boxes.x[j] = x;
      boxes.y[j] = top;
      boxes.w[j] = Math.min(width, ratios[j] * height);
      boxes.h[j] = height;
      x += ratios[j] * height + across;
    }
    rows.push({ first, end, top, bottom: top + height + below });
    top += height + below + down;
    first = end;
    sum = 0;
    if (end === i) i--;
  }
  return { ...boxes, rows, height: Math.max(0, top - down) };
}

/** The first row whose bottom is below a line. */
export function rowAt(rows, line) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].bottom < line) low = middle + 1;
    else high = middle;
  }
  return low;
}
