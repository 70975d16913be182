/** Pixels of a canvas, red green blue alpha in bytes, to what a graph of 8-bit images takes, and back. */

/**
 * @param {Uint8ClampedArray | Uint8Array} rgba width · height · 4 bytes
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @returns {{data: Uint8Array, dims: number[]}} a batch of one image, (1, height, width, 3)
 */
export function toGraph(rgba, width, height) {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < 3; channel++) data[3 * pixel + channel] = rgba[4 * pixel + channel];
  return { data, dims: [1, height, width, 3] };
}

/**
 * @param {Uint8Array} restored height · width · 3 bytes
 * @param {Uint8ClampedArray | Uint8Array} rgba the pixels before, whose alpha is kept
 * @returns {Uint8ClampedArray} width · height · 4 bytes
 */
export function fromGraph(restored, rgba) {
  const found = new Uint8ClampedArray(rgba.length);
  for (let pixel = 0; pixel < rgba.length / 4; pixel++) {
    for (let channel = 0; channel < 3; channel++) found[4 * pixel + channel] = restored[3 * pixel + channel];
    found[4 * pixel + 3] = rgba[4 * pixel + 3];
  }
  return found;
}
