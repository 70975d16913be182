// Latent space: a plane to move on, the picture that each place decodes to, pictures that fall somewhere, walks.

import * as models from "./models.js";
import { $, ask, askJson, fill, make, newest, number, safely, say, sendPicture, takeFiles } from "./tools.js";

const COLOURS = ["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"];
let place = [];
let axes = [0, 1];
let behind = null; // an image, or {points, labels}
let ends = { start: null, end: null };
let fallen = null;
let playing = 0;
let plane;
let paper;

const model = () => models.get($("latent-model").value);
const path = (rest) => `/api/models/${encodeURIComponent($("latent-model").value)}/${rest}`;
const reach = () => Number($("reach").value);

export function begin() {
  plane = $("plane");
  paper = plane.getContext("2d");
  models.listen(() => {
    const before = $("latent-model").value;
    models.fillWith($("latent-model"), (each) => each.generates);
    if (!before && models.get("digits-vae")) $("latent-model").value = "digits-vae";
    if ($("latent-model").value !== before) modelChanged();
  });
  $("latent-model").addEventListener("change", modelChanged);
  $("behind").addEventListener("change", () => loadBehind());
  $("reach").addEventListener("input", () => { $("reach-value").value = `±${number(reach())}`; loadBehind(); });
  for (const [id, side] of [["axis-right", 0], ["axis-up", 1]]) {
    $(id).addEventListener("change", () => { axes[side] = Number($(id).value); loadBehind(); });
  }
  for (const name of ["start", "end"]) $(`set-${name}`).addEventListener("click", () => { ends[name] = [...place]; walkChanged(); });
  $("play").addEventListener("click", safely(play));
  $("save-gif").addEventListener("click", safely(saveGif));
  $("draw-samples").addEventListener("click", safely(drawSamples));
  takeFiles($("latent-drop"), $("latent-file"), ([file]) => takePicture(file));
  new ResizeObserver(() => { const side = Math.round($("plane-box").clientWidth * (window.devicePixelRatio || 1)); if (side && side !== plane.width) { plane.width = plane.height = side; drawPlane(); } }).observe($("plane-box"));
  listen();
}

function modelChanged() {
  const chosen = model();
  if (!chosen) return;
  place = new Array(chosen.latent_dim).fill(0);
  axes = [0, 1];
  ends = { start: null, end: null };
  fallen = null;
  $("fallen").hidden = true;
  $("samples").replaceChildren();
  $("axes-field").hidden = chosen.latent_dim <= 2;
  const names = place.map((_, dimension) => [String(dimension), `z[${dimension}]`]);
  fill($("axis-right"), names, "0");
  fill($("axis-up"), names, "1");
  $("coordinates").replaceChildren(...place.map((_, dimension) => {
    const output = make("output", {}, "0");
    const input = make("input", { type: "range", min: "-4", max: "4", step: "0.05", value: "0", "aria-label": `z[${dimension}]` });
    input.addEventListener("input", () => goTo(place.with(dimension, Number(input.value))));
    return make("label", {}, make("span", {}, `z[${dimension}]`), input, output);
  }));
  walkChanged();
  loadBehind();
  goTo(place);
}

const loadBehind = newest(async () => {
  const kind = $("behind").value;
  const [right, up] = axes;
  behind = behind && kind === behind.kind ? behind : null;
  if (kind === "plane" && model()?.latent_dim > 1) {
    const query = new URLSearchParams({ n: 20, range: reach(), right, up });
    if (place.length > 2) query.set("at", place.map((value) => value.toFixed(3)).join(","));
    const answer = await ask(path(`plane.png?${query}`));
    behind = { kind, image: await createImageBitmap(await answer.blob()), reach: reach() };
  } else if (kind === "clusters") {
    $("latent-note").textContent = "";
    try {
      const found = await askJson(path("clusters"));
      behind = { kind, points: found.means, labels: found.labels };
    } catch (error) {
      behind = null;
      $("latent-note").textContent = error.message;
    }
  }
  drawPlane();
});

// ------------------------------------------------------------------------------------------------- a place

function goTo(next) {
  const moved = next.some((value, dimension) => !axes.includes(dimension) && value !== place[dimension]);
  place = next;
  if (moved && $("behind").value === "plane") loadBehind();
  for (const [dimension, input] of $("coordinates").querySelectorAll("input").entries()) {
    const told = place[dimension].toFixed(2);
    if (input.nextElementSibling.value === told) continue;
    if (document.activeElement !== input) input.value = String(place[dimension]);
    input.nextElementSibling.value = told;
  }
  $("decoded-at").textContent = place.length <= 4 ? `at (${place.map((value) => value.toFixed(2)).join(", ")})` : `at a place of ${place.length} dimensions`;
  showPlace();
  decode();
}

/** The picture follows: as soon as one has come the newest place is asked for, those between are left out. */
const decode = newest(async () => {
  try {
    const answer = await ask(path(`decode?as=raw&at=${place.map((value) => value.toFixed(4)).join(",")}`));
    put($("decoded"), await pictures(answer), 0);
    $("decoded").dataset.frames = String(Number($("decoded").dataset.frames ?? 0) + 1);
  } catch (error) {
    $("latent-note").textContent = error.message;
  }
});

/** Bare bytes as pictures, by the shape that came with them. */
async function pictures(answer) {
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

const toCanvas = (value, side) => ((side ? -value : value) / reach() + 1) * (plane.width / 2);

function drawPlane() {
  if (!plane.width) return;
  const side = plane.width;
  const style = getComputedStyle(document.documentElement);
  const [right, up] = axes;
  paper.clearRect(0, 0, side, side);
  if (behind?.image) {
    paper.imageSmoothingEnabled = true;
    const shown = (behind.reach / reach()) * side;
    paper.globalAlpha = 0.8;
    paper.drawImage(behind.image, (side - shown) / 2, (side - shown) / 2, shown, shown);
    paper.globalAlpha = 1;
  } else {
    paper.strokeStyle = style.getPropertyValue("--line");
    paper.beginPath();
    paper.moveTo(side / 2, 0); paper.lineTo(side / 2, side); paper.moveTo(0, side / 2); paper.lineTo(side, side / 2);
    paper.stroke();
  }
  if (behind?.points) drawClusters(side);
  const dot = (where, radius, fill, stroke) => {
    paper.beginPath();
    paper.arc(toCanvas(where[right], 0), toCanvas(where[up] ?? 0, 1), radius, 0, 7);
    paper.fillStyle = fill;
    paper.strokeStyle = stroke;
    paper.lineWidth = side / 300;
    paper.fill();
    paper.stroke();
  };
  if (ends.start && ends.end) {
    paper.strokeStyle = "#ffb000";
    paper.lineWidth = side / 250;
    paper.beginPath();
    paper.moveTo(toCanvas(ends.start[right], 0), toCanvas(ends.start[up] ?? 0, 1));
    paper.lineTo(toCanvas(ends.end[right], 0), toCanvas(ends.end[up] ?? 0, 1));
    paper.stroke();
  }
  for (const end of [ends.start, ends.end]) if (end) dot(end, side / 90, "#ffb000", "#000");
  if (fallen) {
    paper.beginPath();
    const scale = side / 2 / reach();
    paper.ellipse(toCanvas(fallen.mean[right], 0), toCanvas(fallen.mean[up] ?? 0, 1), Math.max(3, 2 * fallen.std[right] * scale), Math.max(3, 2 * (fallen.std[up] ?? 0) * scale), 0, 0, 7);
    paper.strokeStyle = "#e0483a";
    paper.lineWidth = side / 200;
    paper.stroke();
  }
  showPlace();
}

/** The place is a mark above the plane, so that the plane need not be drawn anew when it moves. */
function showPlace() {
  if (!place.length) return;
  const ratio = plane.clientWidth / plane.width;
  const side = (value) => Math.max(0, Math.min(plane.width, value)) * ratio;
  $("here").style.transform = `translate(${side(toCanvas(place[axes[0]], 0))}px, ${side(toCanvas(place[axes[1]] ?? 0, 1))}px)`;
}

function drawClusters(side) {
  const [right, up] = axes;
  const names = [...new Set(behind.labels)].sort();
  const middles = new Map(names.map((name) => [name, [0, 0, 0]]));
  behind.points.forEach((point, which) => {
    const x = toCanvas(point[right], 0);
    const y = toCanvas(point[up] ?? 0, 1);
    const middle = middles.get(behind.labels[which]);
    middle[0] += x; middle[1] += y; middle[2] += 1;
    paper.fillStyle = COLOURS[names.indexOf(behind.labels[which]) % COLOURS.length];
    paper.globalAlpha = 0.75;
    paper.beginPath();
    paper.arc(x, y, side / 180, 0, 7);
    paper.fill();
  });
  paper.globalAlpha = 1;
  paper.font = `600 ${Math.round(side / 30)}px system-ui, sans-serif`;
  paper.textAlign = "center";
  paper.textBaseline = "middle";
  paper.lineWidth = side / 130;
  for (const [name, [x, y, count]] of middles) {
    paper.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--stage");
    paper.strokeText(name, x / count, y / count);
    paper.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    paper.fillText(name, x / count, y / count);
  }
}

function listen() {
  const follow = (event) => {
    const edges = plane.getBoundingClientRect();
    const next = [...place];
    next[axes[0]] = (2 * (event.clientX - edges.left) / edges.width - 1) * reach();
    if (next.length > 1) next[axes[1]] = (1 - 2 * (event.clientY - edges.top) / edges.height) * reach();
    stopPlaying();
    goTo(next);
  };
  let resting = false; // a click lets the place stay where it is
  plane.addEventListener("pointermove", (event) => { if (event.buttons || !resting) follow(event); });
  plane.addEventListener("pointerdown", (event) => { plane.setPointerCapture(event.pointerId); resting = false; follow(event); });
  plane.addEventListener("pointerup", () => { resting = true; });
  plane.addEventListener("pointerleave", () => { resting = false; });
  plane.addEventListener("keydown", (event) => {
    const step = reach() / (event.shiftKey ? 10 : 40);
    const [side, sign] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1] }[event.key] ?? [];
    if (side === undefined || axes[side] >= place.length) return;
    event.preventDefault();
    stopPlaying();
    goTo(place.with(axes[side], Math.max(-reach(), Math.min(reach(), place[axes[side]] + sign * step))));
  });
}

// ------------------------------------------------------------------------------------------------- pictures, walks, samples

const takePicture = safely(async (file) => {
  $("latent-note").textContent = "";
  try {
    const picture = await sendPicture(file);
    fallen = await askJson(path(`encode/${picture.id}`), { method: "POST" });
    const shown = await ask(path(`reconstruct/${picture.id}.png`));
    const image = $("fallen-picture");
    if (image.src) URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(await shown.blob());
    $("fallen").hidden = false;
    const where = fallen.mean.slice(0, 3).map((mean, side) => `${mean.toFixed(2)} ± ${fallen.std[side].toFixed(2)}`).join(", ");
    $("latent-note").textContent = `${file.name} falls at (${where}${fallen.mean.length > 3 ? ", …" : ""}). ${fallen.notices.join(" ")}`;
    if (ends.start && !ends.end) ends.end = [...fallen.mean];
    else if (!ends.start) ends.start = [...fallen.mean];
    walkChanged();
    goTo([...fallen.mean]);
    await ask(`/api/pictures/${picture.id}`, { method: "DELETE" });
  } catch (error) {
    $("latent-note").textContent = error.message;
  }
});

function walkChanged() {
  const ready = Boolean(ends.start && ends.end);
  $("play").disabled = $("save-gif").disabled = !ready;
  $("walk-ends").textContent = ready ? "" : ends.start ? "Now choose the end." : "Choose a start and an end, or drop two pictures.";
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
  const steps = 60;
  for (let step = 0; step <= steps && mine === playing; step += 1) {
    goTo(ends.start.map((value, dimension) => value + (step / steps) * (ends.end[dimension] - value)));
    await new Promise((resolve) => setTimeout(resolve, 33));
  }
  if (mine === playing) stopPlaying();
}

async function saveGif() {
  const answer = await ask(path("walk.gif"), { method: "POST", json: { start: ends.start, end: ends.end, steps: 24 } });
  const address = URL.createObjectURL(await answer.blob());
  make("a", { href: address, download: "walk.gif" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  say("walk.gif goes there and back in 46 frames.");
}

let drawnWith = 0;

async function drawSamples() {
  drawnWith += 1;
  const { latents } = await askJson(path(`sample?count=16&seed=${drawnWith}`));
  const found = await pictures(await ask(path("decode"), { method: "POST", json: { latents } }));
  $("samples").replaceChildren(...latents.map((each, which) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    put(canvas, found, which);
    return make("button", { "aria-label": `Sample ${which + 1}`, onclick: () => { stopPlaying(); goTo(each); } }, canvas);
  }));
}
