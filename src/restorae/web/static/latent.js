// Latent space: a plane to move on, the decoded image of each latent, encoded images, interpolation, samples.

import { onChosen, onDropped } from "./files.js";
import * as models from "./models.js";
import { $, ask, askJson, fill, make, newest, number, safely, say, send } from "./tools.js";

const COLORS = ["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"];
let latent = [];
let axes = [0, 1];
let background = null; // an image, or {points, labels}
let ends = { start: null, end: null };
let encoded = null;
const hidden = new Set(); // labels whose points are not shown
let chosenAxes = false; // whether the person chose the axes
let playing = 0;
let plane;
let context;

const model = () => models.get($("latent-model").value);
const path = (rest) => `/api/models/${encodeURIComponent($("latent-model").value)}/${rest}`;
/** @type {() => number} */
const range = () => Number($("range").value);

export function begin() {
  plane = $("plane");
  context = plane.getContext("2d");
  models.listen(() => {
    const before = $("latent-model").value;
    models.fillWith($("latent-model"), (each) => each.generates);
    if (!before && models.get("digits-vae")) $("latent-model").value = "digits-vae";
    if ($("latent-model").value !== before) modelChanged();
  });
  $("latent-model").addEventListener("change", modelChanged);
  $("background").addEventListener("change", () => loadBackground());
  $("range").addEventListener("input", () => { $("range-value").value = `±${number(range())}`; loadBackground(); });
  for (const [side, id] of ["axis-right", "axis-up"].entries()) {
    $(id).addEventListener("change", () => {
      const before = axes[side];
      chosenAxes = true;
      axes[side] = Number($(id).value);
      if (axes[0] === axes[1]) {
        // a plane has two dimensions: the other axis takes the one that is free
        axes[1 - side] = before;
        $(side ? "axis-right" : "axis-up").value = String(before);
      }
      safely(loadBackground)();
      showMarker();
    });
  }
  for (const name of ["start", "end"]) $(`set-${name}`).addEventListener("click", () => { ends[name] = [...latent]; walkChanged(); });
  $("play").addEventListener("click", safely(play));
  $("save-gif").addEventListener("click", safely(saveGif));
  $("draw-samples").addEventListener("click", safely(drawSamples));
  onChosen($("latent-file"), ([{ file }]) => encodeFile(file));
  onDropped($("latent-drop"), ([{ file }]) => encodeFile(file));
  $("to-middle").addEventListener("click", () => goTo(latent.map(() => 0)));
  window.addEventListener("themechange", drawPlane);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPlane);
  new ResizeObserver(() => { const side = Math.round($("plane-box").clientWidth * (window.devicePixelRatio || 1)); if (side && side !== plane.width) { plane.width = plane.height = side; drawPlane(); } }).observe($("plane-box"));
  listen();
}

function modelChanged() {
  const chosen = model();
  if (!chosen) return;
  latent = new Array(chosen.latent_dim).fill(0);
  axes = [0, 1];
  chosenAxes = false;
  ends = { start: null, end: null };
  encoded = null;
  $("encoded").hidden = true;
  $("samples").replaceChildren();
  $("axes-field").hidden = chosen.latent_dim <= 2;
  const names = latent.map((_, dimension) => [String(dimension), `z[${dimension}]`]);
  fill($("axis-right"), names, "0");
  fill($("axis-up"), names, "1");
  $("coordinates").replaceChildren(...latent.map((_, dimension) => {
    const output = make("output", {}, "0");
    const input = make("input", { type: "range", min: "-4", max: "4", step: "0.05", value: "0", "aria-label": `z[${dimension}]` });
    input.addEventListener("input", () => goTo(latent.with(dimension, Number(input.value))));
    return make("label", {}, make("span", {}, `z[${dimension}]`), input, output);
  }));
  walkChanged();
  loadBackground();
  goTo(latent);
}

const loadBackground = newest(async () => {
  const kind = $("background").value;
  const [right, up] = axes;
  background = background && kind === background.kind ? background : null;
  if (kind === "plane" && model()?.latent_dim > 1) {
    const query = new URLSearchParams({ n: "20", range: String(range()), right: String(right), up: String(up) });
    if (latent.length > 2) query.set("at", latent.map((value) => value.toFixed(3)).join(","));
    const answer = await ask(path(`plane.png?${query}`));
    background = { kind, image: await createImageBitmap(await answer.blob()), range: range() };
  } else if (kind === "clusters") {
    $("latent-note").textContent = "";
    try {
      const found = await askJson(path("clusters"));
      background = { kind, points: found.means, labels: found.labels };
      sortAxes(found.means);
      const [right, up] = axes;
      const apart = found.means.flatMap((mean) => [Math.abs(mean[right]), Math.abs(mean[up] ?? 0)]).sort((one, other) => one - other);
      $("range").value = String(Math.ceil(2 * (apart[Math.floor(0.98 * apart.length)] ?? 3)) / 2); // the data fill the plane
      $("range-value").value = `±${number(range())}`;
    } catch (error) {
      background = null;
      $("latent-note").textContent = error.message;
    }
  }
  showLegend();
  drawPlane();
});

/** Axes in which the data differ most come first: in the others all posteriors lie at 0. */
function sortAxes(means) {
  if (latent.length < 3) return;
  const spread = latent.map((_, dimension) => Math.sqrt(means.reduce((sum, mean) => sum + mean[dimension] ** 2, 0) / means.length));
  const order = spread.map((_, dimension) => dimension).sort((one, other) => spread[other] - spread[one]);
  if (!chosenAxes) axes = [order[0], order[1]];
  const names = order.map((dimension) => [String(dimension), `z[${dimension}], spread ${spread[dimension].toFixed(2)}`]);
  fill($("axis-right"), names, String(axes[0]));
  fill($("axis-up"), names, String(axes[1]));
}

/** The labels of the points with their colours; pressed, one is hidden. */
function showLegend() {
  const names = background?.points ? [...new Set(background.labels)].sort() : [];
  $("cluster-legend").hidden = !names.length;
  $("cluster-legend").replaceChildren(...names.map((name, index) => {
    const swatch = make("span", { "aria-hidden": "true" });
    swatch.style.background = COLORS[index % COLORS.length];
    const button = make("button", { class: "small", "aria-pressed": String(!hidden.has(name)) }, swatch, String(name));
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      drawPlane();
    });
    return button;
  }));
}

// ------------------------------------------------------------------------------------------------- the latent

function goTo(next) {
  const moved = next.some((value, dimension) => !axes.includes(dimension) && value !== latent[dimension]);
  latent = next;
  if (moved && $("background").value === "plane") loadBackground();
  for (const [dimension, input] of $("coordinates").querySelectorAll("input").entries()) {
    const told = latent[dimension].toFixed(2);
    if (input.nextElementSibling.value === told) continue;
    if (document.activeElement !== input) input.value = String(latent[dimension]);
    input.nextElementSibling.value = told;
  }
  $("decoded-at").textContent = latent.length <= 4 ? `at (${latent.map((value) => value.toFixed(2)).join(", ")})` : `a latent of ${latent.length} dimensions`;
  showMarker();
  decode();
}

/** Decode the newest latent; those that came while the last one was decoded are skipped. */
const decode = newest(async () => {
  try {
    const at = latent.map((value) => value.toFixed(4)).join(",");
    const answer = await ask(path(`decode?as=raw&at=${at}`));
    put($("decoded"), await images(answer), 0);
    $("decoded").dataset.at = at;
    $("decoded").dataset.frames = String(Number($("decoded").dataset.frames ?? 0) + 1);
  } catch (error) {
    $("latent-note").textContent = error.message;
  }
});

/** Bare bytes as images, by the shape that came with them. */
async function images(answer) {
  const [count, height, width, bands = 1] = answer.headers.get("x-shape").split(",").map(Number);
  return { bytes: new Uint8Array(await answer.arrayBuffer()), count, height, width, bands };
}

function put(canvas, { bytes, height, width, bands }, which) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const image = new ImageData(width, height);
  const first = which * height * width * bands;
  for (let pixel = 0; pixel < height * width; pixel += 1) {
    for (let band = 0; band < 3; band += 1) image.data[4 * pixel + band] = bytes[first + pixel * bands + (bands === 3 ? band : 0)];
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// ------------------------------------------------------------------------------------------------- the plane

const toCanvas = (value, side) => ((side ? -value : value) / range() + 1) * (plane.width / 2);

function drawPlane() {
  if (!plane.width) return;
  const side = plane.width;
  const style = getComputedStyle(document.documentElement);
  const [right, up] = axes;
  context.clearRect(0, 0, side, side);
  if (background?.image) {
    context.imageSmoothingEnabled = true;
    const shown = (background.range / range()) * side;
    context.globalAlpha = 1;
    context.drawImage(background.image, (side - shown) / 2, (side - shown) / 2, shown, shown);
    context.globalAlpha = 1;
  } else {
    context.strokeStyle = style.getPropertyValue("--strong-line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(side / 2, 0); context.lineTo(side / 2, side); context.moveTo(0, side / 2); context.lineTo(side, side / 2);
    context.stroke();
  }
  if (background?.points) drawClusters(side);
  const dot = (where, radius, fill, stroke) => {
    context.beginPath();
    context.arc(toCanvas(where[right], 0), toCanvas(where[up] ?? 0, 1), radius, 0, 7);
    context.fillStyle = fill;
    context.strokeStyle = stroke;
    context.lineWidth = side / 300;
    context.fill();
    context.stroke();
  };
  if (ends.start && ends.end) {
    context.strokeStyle = "#ffb000";
    context.lineWidth = side / 250;
    context.beginPath();
    context.moveTo(toCanvas(ends.start[right], 0), toCanvas(ends.start[up] ?? 0, 1));
    context.lineTo(toCanvas(ends.end[right], 0), toCanvas(ends.end[up] ?? 0, 1));
    context.stroke();
  }
  for (const end of [ends.start, ends.end]) if (end) dot(end, side / 90, "#ffb000", "#000");
  if (encoded) {
    context.beginPath();
    const scale = side / 2 / range();
    context.ellipse(toCanvas(encoded.mean[right], 0), toCanvas(encoded.mean[up] ?? 0, 1), Math.max(3, 2 * encoded.std[right] * scale), Math.max(3, 2 * (encoded.std[up] ?? 0) * scale), 0, 0, 7);
    context.strokeStyle = "#e0483a";
    context.lineWidth = side / 200;
    context.stroke();
  }
  showMarker();
}

/** The marker lies above the canvas, so that the plane is not redrawn when the latent moves. */
function showMarker() {
  if (!latent.length) return;
  const ratio = plane.clientWidth / plane.width;
  const side = (value) => Math.max(0, Math.min(plane.width, value)) * ratio;
  $("marker").style.transform = `translate(${side(toCanvas(latent[axes[0]], 0))}px, ${side(toCanvas(latent[axes[1]] ?? 0, 1))}px)`;
}

function drawClusters(side) {
  const [right, up] = axes;
  const names = [...new Set(background.labels)].sort();
  const middles = new Map(names.map((name) => [name, [0, 0, 0]]));
  background.points.forEach((point, which) => {
    if (hidden.has(background.labels[which])) return;
    const x = toCanvas(point[right], 0);
    const y = toCanvas(point[up] ?? 0, 1);
    const middle = middles.get(background.labels[which]);
    middle[0] += x; middle[1] += y; middle[2] += 1;
    context.fillStyle = COLORS[names.indexOf(background.labels[which]) % COLORS.length];
    context.globalAlpha = 0.75;
    context.beginPath();
    context.arc(x, y, side / 180, 0, 7);
    context.fill();
  });
  context.globalAlpha = 1;
  context.font = `600 ${Math.round(side / 30)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = side / 130;
  for (const [name, [x, y, count]] of middles) {
    if (!count) continue;
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--stage");
    context.strokeText(name, x / count, y / count);
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    context.fillText(name, x / count, y / count);
  }
}

let held = false;
let wasHeld = false;
let pressedAt = [0, 0];

function listen() {
  const follow = (event) => {
    const edges = plane.getBoundingClientRect();
    const next = [...latent];
    next[axes[0]] = (2 * (event.clientX - edges.left) / edges.width - 1) * range();
    if (next.length > 1) next[axes[1]] = (1 - 2 * (event.clientY - edges.top) / edges.height) * range();
    stopPlaying();
    goTo(next);
  };
  // the latent follows the pointer until a press holds it; the next press lets it follow again
  plane.addEventListener("pointermove", (event) => { if (event.buttons || !held) follow(event); });
  plane.addEventListener("pointerdown", (event) => { plane.setPointerCapture(event.pointerId); wasHeld = held; held = false; pressedAt = [event.clientX, event.clientY]; follow(event); });
  plane.addEventListener("pointerup", (event) => {
    const still = Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]) < 4;
    held = !(wasHeld && still && event.pointerType === "mouse");
    $("plane-box").classList.toggle("held", held);
  });
  plane.addEventListener("keydown", (event) => {
    const step = range() / (event.shiftKey ? 10 : 40);
    const [side, sign] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1] }[event.key] ?? [];
    if (side === undefined || axes[side] >= latent.length) return;
    event.preventDefault();
    stopPlaying();
    goTo(latent.with(axes[side], Math.max(-range(), Math.min(range(), latent[axes[side]] + sign * step))));
  });
}

// ------------------------------------------------------------------------------------------------- images, walks, samples

export const encodeFile = safely(async (file) => {
  if (!file) return;
  $("latent-note").textContent = "";
  try {
    const image = await send("/api/images", file, { name: file.name });
    encoded = await askJson(path(`encode/${image.id}`), { method: "POST" });
    const shown = await ask(path(`reconstruct/${image.id}.png`));
    const encodedImage = $("encoded-image");
    if (encodedImage.src) URL.revokeObjectURL(encodedImage.src);
    encodedImage.src = URL.createObjectURL(await shown.blob());
    $("encoded").hidden = false;
    const where = encoded.mean.slice(0, 3).map((mean, side) => `${mean.toFixed(2)} ± ${encoded.std[side].toFixed(2)}`).join(", ");
    $("latent-note").textContent = `${file.name} is encoded at (${where}${encoded.mean.length > 3 ? ", …" : ""}). ${encoded.notices.join(" ")}`;
    if (ends.start && !ends.end) ends.end = [...encoded.mean];
    else if (!ends.start) ends.start = [...encoded.mean];
    walkChanged();
    goTo([...encoded.mean]);
    await ask(`/api/images/${image.id}`, { method: "DELETE" });
  } catch (error) {
    $("latent-note").textContent = error.message;
  }
});

function walkChanged() {
  const ready = Boolean(ends.start && ends.end);
  $("play").disabled = $("save-gif").disabled = !ready;
  $("walk-ends").textContent = ready ? "" : ends.start ? "Now choose the end." : "Choose a start and an end, or drop two images.";
  drawPlane();
}

function stopPlaying() {
  playing += 1;
  $("play").textContent = "Play";
}

async function play() {
  if ($("play").textContent === "Stop") {
    stopPlaying();
    return;
  }
  const mine = (playing += 1);
  $("play").textContent = "Stop";
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [steps, pause] = calm ? [6, 700] : [60, 33]; // single images instead of motion where the person wants less of it
  for (let step = 0; step <= steps && mine === playing; step += 1) {
    goTo(ends.start.map((value, dimension) => value + (step / steps) * (ends.end[dimension] - value)));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  if (mine === playing) stopPlaying();
}

async function saveGif() {
  const answer = await ask(path("walk.gif"), { method: "POST", json: { start: ends.start, end: ends.end, steps: 24 } });
  const address = URL.createObjectURL(await answer.blob());
  make("a", { href: address, download: "walk.gif" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  say("walk.gif plays forwards and back in 46 frames.");
}

let seed = 0;

async function drawSamples() {
  seed += 1;
  const { latents } = await askJson(path(`sample?count=16&seed=${seed}`));
  const found = await images(await ask(path("decode"), { method: "POST", json: { latents } }));
  $("samples").replaceChildren(...latents.map((each, which) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    put(canvas, found, which);
    return make("button", { "aria-label": `Sample ${which + 1}`, onclick: () => { stopPlaying(); goTo(each); } }, canvas);
  }));
}
