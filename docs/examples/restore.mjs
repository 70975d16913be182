/**
 * Restores an 8-bit colour image in the PPM format (P6) with an exported model, in Node.js:
 *
 *   restorae export photo-denoiser-fast --pixels uint8
 *   npm install onnxruntime-web
 *   node restore.mjs photo-denoiser-fast.onnx noisy.ppm restored.ppm
 */
import { readFile, writeFile } from "node:fs/promises";

const HEADER = /^P6\s+(\d+)\s+(\d+)\s+255\s/;

/** @param {Buffer} file */
function readPpm(file) {
  const header = HEADER.exec(file.subarray(0, 64).toString("latin1"));
  if (!header) throw new Error("expected a PPM image (P6) of 8 bits without comments");
  const [width, height] = header.slice(1).map(Number);
  const pixels = new Uint8Array(file.subarray(header[0].length));
  if (pixels.length !== 3 * width * height) throw new Error("the image is cut short");
  return { width, height, pixels };
}

const [model, source, target] = process.argv.slice(2);
if (!target) {
  console.error("usage: node restore.mjs MODEL.onnx IN.ppm OUT.ppm");
  process.exit(2);
}
const { width, height, pixels } = readPpm(await readFile(source));
const { InferenceSession, Tensor } = await import("onnxruntime-web");
const session = await InferenceSession.create(await readFile(model), { logSeverityLevel: 3 });
const images = new Tensor("uint8", pixels, [1, height, width, 3]);
const { restored } = await session.run({ images });
await writeFile(target, Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), restored.data]));
