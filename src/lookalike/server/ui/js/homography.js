/** The plane-to-plane map that takes four points to four others, and CSS for it. */

/** Eight numbers h with x' = (h0 x + h1 y + h2) / (h6 x + h7 y + 1), y' = (h3 x + h4 y + h5) / (...); null if there is none. */
export function homography(from, to) {
  const rows = [];
  from.forEach(([x, y], i) => {
    const [u, v] = to[i];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  for (let column = 0; column < 8; column++) {
    let best = column;
    for (let row = column + 1; row < 8; row++) if (Math.abs(rows[row][column]) > Math.abs(rows[best][column])) best = row;
    if (Math.abs(rows[best][column]) < 1e-9) return null;
    [rows[column], rows[best]] = [rows[best], rows[column]];
    for (let row = 0; row < 8; row++) {
      if (row === column) continue;
      const share = rows[row][column] / rows[column][column];
      for (let k = column; k < 9; k++) rows[row][k] -= share * rows[column][k];
    }
  }
  return rows.map((row, i) => row[8] / row[i]);
}

export const corners = (width, height) => [[0, 0], [width, 0], [width, height], [0, height]];

/** `matrix3d(...)` that lays an element of a size onto a quadrilateral; null if it cannot. */
export function layOn(width, height, quad) {
  const h = homography(corners(width, height), quad);
  if (!h) return null;
  return `matrix3d(${[h[0], h[3], 0, h[6], h[1], h[4], 0, h[7], 0, 0, 1, 0, h[2], h[5], 0, 1].join(",")})`;
}

/** Where the corners of `found` end when the map of `reverse` (found's corners in the query) is turned around. */
export function turnedAround(reverse, [width, height], query) {
  const h = homography(reverse, corners(width, height));
  return h && corners(...query).map(([x, y]) => {
    const below = h[6] * x + h[7] * y + 1;
    return [(h[0] * x + h[1] * y + h[2]) / below, (h[3] * x + h[4] * y + h[5]) / below];
  });
}

/** Where a whole picture lies that was found turned or mirrored as a whole; clockwise degrees. */
export function wholeQuad(variant, [w, h]) {
  const clockwise = Number(/turned (\d+)/.exec(variant)?.[1] ?? 0) / 90;
  const quad = corners(w, h);
  const turned = quad.map((_, i) => quad[(i + clockwise) % 4]);
  return variant.startsWith("mirrored") ? [turned[1], turned[0], turned[3], turned[2]] : turned;
}
