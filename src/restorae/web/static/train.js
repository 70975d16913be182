// Train: start a training, watch it, stop it, resume it.

import * as jobs from "./jobs.js";
import * as models from "./models.js";
import { $, ask, askJson, draw, duration, fill, make, newest, number, renew, safely, say } from "./tools.js";

/** What people may want to know of a network before they choose it. */
const NETWORKS = {
  conv: "conv: the textbook's, for small images",
  "conv-autoencoder": "conv-autoencoder: compresses small images",
  dense: "dense: for tiny images of one size",
  "dense-autoencoder": "dense-autoencoder: compresses tiny images",
  "film-unet": "film-unet: for the film cleaner",
  "latent-unet": "latent-unet: several plausible answers",
  unet: "unet: for photographs and pages",
};
const STARTS = [["", "automatic: a bundled model that suits the images, if there is one"], ["nothing", "nothing: a new network"]];
let unfinished = [];
let losses = { clean: [], noisy: [] };
let finished = new Set();
let first = true;
const looked = new Map(); // job: which look is shown, where the person chose one

export function begin() {
  const form = $("train-form");
  for (const radio of form.elements.way) radio.addEventListener("change", wayChanged);
  form.addEventListener("submit", (event) => { event.preventDefault(); start(); });
  for (const field of ["train-clean", "train-degraded", "train-noisy", "train-damage"]) $(field).addEventListener("change", safely(showExamples));
  models.listen(() => models.fillWith($("train-start"), (each) => each.origin !== "classical", STARTS));
  jobs.listen(safely(jobsChanged));
  wayChanged();
}

export async function shown() {
  const { sets, networks, losses: known, unfinished: found } = await askJson("/api/data");
  losses = known;
  const entries = sets.map((set) => [set.name, set.name]);
  for (const id of ["train-clean", "train-degraded", "train-noisy"]) fill($(id), entries);
  fill($("train-network"), [["", "automatic"], ...networks.map((name) => [name, NETWORKS[name] ?? name])]);
  unfinished = found;
  wayChanged();
  show();
}

function wayChanged() {
  const way = $("train-form").elements.way.value;
  for (const field of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-ways]"))) field.hidden = !field.dataset.ways.split(" ").includes(way);
  safely(showExamples)();
  fill($("train-loss"), [["", "automatic"], ...losses[way === "noisy" ? "noisy" : "clean"].map((name) => [name, name])]);
}

/** The data and the damage that the form says. */
function examplesWanted() {
  const form = $("train-form").elements;
  /** @type {Record<string, any>} */
  const wanted = { way: form.way.value };
  for (const field of ["clean", "degraded", "noisy", "degradation"]) {
    if (!form[field].closest("[data-ways]").hidden) wanted[field] = form[field].value;
  }
  return wanted;
}

/** Three examples, and how many images or pairs there are: before anybody waits for a training. */
const showExamples = newest(async () => {
  const wanted = examplesWanted();
  if (Object.values(wanted).some((value) => !value)) return;
  try {
    const answer = await ask("/api/trainings/examples.png", { method: "POST", json: { ...wanted, name: "examples" } });
    const sheet = $("train-sheet");
    if (sheet.src) URL.revokeObjectURL(sheet.src);
    sheet.src = URL.createObjectURL(await answer.blob());
    $("train-rows").textContent = wanted.way === "noisy" ? "noisy" : "above damaged, below clean";
    $("train-found").textContent = decodeURIComponent(answer.headers.get("x-said") ?? "");
    $("train-found").className = "note";
    $("train-examples").hidden = false;
  } catch (error) {
    $("train-examples").hidden = true;
    $("train-found").textContent = error.message;
    $("train-found").className = "note error";
  }
});

const DAMAGED = /damag|degrad|noisy|bad|before|raw|orig|scan/i;

/** Images were dropped on this part of the page: they become data sets, and two folders become pairs. */
export async function dropped(folders) {
  await shown();
  const form = $("train-form").elements;
  const names = folders.map((folder) => (folder ? `dropped here/${folder}` : "dropped here"));
  if (names.length === 2) {
    const degraded = names.find((name) => DAMAGED.test(name.slice(12))) ?? names[0];
    form.way.value = "pairs";
    $("train-degraded").value = degraded;
    $("train-clean").value = names.find((name) => name !== degraded);
  } else {
    for (const id of ["train-clean", "train-noisy"]) $(id).value = names[0];
  }
  wayChanged();
}

async function start() {
  const form = $("train-form").elements;
  const way = form.way.value;
  const json = { way, name: form.name.value.trim(), network: form.network.value || null, overwrite: form.overwrite.checked, [$("train-unit").value]: Number($("train-length").value) };
  for (const field of ["clean", "degraded", "noisy", "degradation"]) {
    if (!form[field].closest("[data-ways]").hidden) json[field] = form[field].value;
  }
  for (const field of ["start_from", "loss", "keep"]) json[field] = form[field].value || null;
  for (const field of ["learning_rate", "batch_size", "patience"]) json[field] = form[field].value ? Number(form[field].value) : null;
  $("train-note").className = "note";
  try {
    const job = await askJson("/api/trainings", { method: "POST", json });
    $("train-note").textContent = (await askJson(`/api/jobs/${job.id}`)).state === "waiting" ? "It waits for the training before it. It starts when this page is closed, too." : "Started. It continues when this page is closed, and images are restored meanwhile.";
  } catch (error) {
    $("train-note").textContent = error.message;
    $("train-note").className = "note error";
  }
}

const resume = safely(async (name) => {
  await askJson(`/api/trainings/${encodeURIComponent(name)}/resume`, { method: "POST" });
  unfinished = unfinished.filter((each) => each.name !== name);
  say(`${name} was resumed.`);
  show();
});

async function jobsChanged(all) {
  const over = all.filter((job) => job.kind === "train" && jobs.isOver(job));
  const news = over.filter((job) => !finished.has(job.id));
  finished = new Set(over.map((job) => job.id));
  if (news.length && !first) {
    $("train-note").textContent = "";
    await models.refresh();
    await shown();
  }
  first = false;
  show();
}

function show() {
  const trainings = jobs.all().filter((job) => job.kind === "train");
  const active = new Set(trainings.filter((job) => !jobs.isOver(job)).map((job) => job.about.name));
  const cards = [...trainings].reverse().map(card);
  const rest = unfinished.filter((each) => !active.has(each.name) && !trainings.some((job) => job.about.name === each.name));
  renew($("trainings"), [
    ...cards,
    ...rest.map((each) =>
      make("article", { class: "training", "data-key": `unfinished-${each.name}` },
        make("header", {}, make("h2", {}, each.name), make("span", { class: "note" }, `stopped at step ${each.step.toLocaleString("en")}, after ${duration(each.seconds)}`),
          make("div", { class: "actions" }, make("button", { onclick: () => resume(each.name) }, "Resume"))))),
    ...(cards.length || rest.length ? [] : [make("p", { class: "blank" }, make("strong", {}, "No training yet"), "A network learns the damage from your images. Ten minutes show whether it learns; its curves and a few sample images appear here.")]),
  ]);
}

function card(job) {
  const { about } = job;
  const over = jobs.isOver(job);
  const learned = { damage: about.damage, pairs: "pairs", noisy: "noisy images alone" }[about.way];
  const action = !over
    ? make("button", { disabled: job.stopping, onclick: () => jobs.stop(job.id) }, job.state === "waiting" ? "Cancel" : "Stop")
    : job.state === "done"
      ? make("a", { class: "button", href: "#restore", onclick: () => { localStorage.setItem("model", job.result.model); $("restore-model").value = job.result.model; $("restore-model").dispatchEvent(new Event("change")); } }, "Use it")
      : about.resumable
        ? make("button", { onclick: () => resume(about.name) }, "Resume")
        : null;
  const psnr = psnrOf(job);
  // runs that learn the same are compared with each other
  const others = jobs.all().filter((each) => each.kind === "train" && each.id !== job.id && each.about.way === about.way && each.about.damage === about.damage && each.about.losses.length > 1).slice(-3);
  const before = about.looks.find((look) => look.mse_degraded);
  const checked = psnr.length ? psnr : about.looks.map((look) => [look.step, look.validation_loss]).filter(([, value]) => value !== undefined);
  return make("article", { class: "training", "data-key": `${job.id}-${job.state}-${about.resumable}-${job.stopping}` },
    make("header", {},
      make("h2", {}, about.name),
      make("span", { class: "note" }, [about.network, learned].filter(Boolean).join(", ")),
      make("div", { class: "actions" }, action)),
    make("p", { class: job.state === "failed" ? "error" : "note" }, jobs.told(job), job.figures.images_per_second && !over ? `, ${Math.round(job.figures.images_per_second)} examples per second` : ""),
    over ? null : jobs.bar(job),
    about.losses.length > 1 || checked.length
      ? make("div", { class: "charts" },
          make("figure", {}, make("figcaption", {}, `Loss ${about.losses.length ? number(about.losses.at(-1)[1]) : ""}`), chart(about.losses, { name: "Loss", log: about.losses.every(([, value]) => value > 0), others: others.map((each) => each.about.losses) })),
          make("figure", {}, make("figcaption", {}, psnr.length ? `Validation PSNR ${psnr.at(-1)[1].toFixed(2)} dB${before ? ` (damaged ${(-10 * Math.log10(before.mse_degraded)).toFixed(2)})` : ""}` : "Validation loss"), chart(checked, { name: psnr.length ? "Validation PSNR in dB" : "Validation loss", dots: true, others: psnr.length ? others.map(psnrOf) : [] })),
          others.length ? make("p", { class: "note" }, `Dashed: ${others.map((each) => each.about.name).join(", ")}`) : null)
      : null,
    about.looks.length ? looks(job) : null,
    job.said.length && !about.looks.length ? make("ul", { class: "said-lines" }, job.said.slice(-3).map((line) => make("li", {}, line))) : null);
}

const psnrOf = (job) => job.about.looks.filter((look) => look.mse).map((look) => [look.step, -10 * Math.log10(look.mse)]);

/** Fixed images that get better check by check; a slider goes back in time. */
function looks(job) {
  const count = job.about.looks.length;
  const which = Math.min(looked.get(job.id) ?? count, count);
  const path = (number) => `/api/jobs/${job.id}/looks/${number}.png`;
  const told = make("output", {}, `check ${which} of ${count}`);
  const image = make("img", { src: path(which), alt: `Validation images at check ${which}: rows of damaged, restored and clean images` });
  const input = make("input", { type: "range", min: "1", max: String(count), value: String(which), "aria-label": "Which check" });
  input.addEventListener("input", () => {
    const chosen = Number(input.value);
    if (chosen === Number(input.max)) looked.delete(job.id);
    else looked.set(job.id, chosen);
    image.src = path(chosen);
    image.alt = `Validation images at check ${chosen}: rows of damaged, restored and clean images`;
    told.textContent = `check ${chosen} of ${input.max}`;
  });
  const rows = job.about.way === "noisy" ? "From top to bottom: noisy, restored" : "From top to bottom: damaged, restored, clean";
  return make("div", { class: "looks" }, make("p", { class: "note" }, rows), image, count > 1 ? make("label", {}, input, told) : null);
}

/** A small line chart: [[x, y], …]; `others` are lines of other runs. */
function chart(points, { name, log = false, dots = false, others = [] }) {
  const [width, height, left, bottom, top] = [360, 130, 58, 18, 14];
  const drawing = draw("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" });
  const shown = log ? points.filter(([, y]) => y > 0) : points;
  drawing.setAttribute("aria-label", shown.length ? `${name}: from ${number(shown[0][1])} to ${number(shown.at(-1)[1])} over ${shown.length} points` : `${name}: nothing yet`);
  if (!shown.length) return drawing;
  const scaled = (y) => (log ? Math.log(y) : y);
  const beside = others.map((line) => (log ? line.filter(([, y]) => y > 0) : line)).filter((line) => line.length > 1);
  const xs = [shown, ...beside].flat().map(([x]) => x);
  const ys = [shown, ...beside].flat().map(([, y]) => scaled(y));
  const [lowX, highX] = [Math.min(0, ...xs), Math.max(...xs, 1)];
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
  const x = (value) => left + ((value - lowX) / (highX - lowX)) * (width - left - 6);
  const y = (value) => top + (1 - (value - low) / (high - low)) * (height - top - bottom);
  for (const value of [low, (low + high) / 2, high]) {
    drawing.append(
      draw("line", { x1: left, x2: width - 6, y1: y(value), y2: y(value) }),
      draw("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, number(log ? Math.exp(value) : value, 3)),
    );
  }
  const line = (points) => points.map(([px, py], index) => `${index ? "L" : "M"}${x(px).toFixed(1)} ${y(scaled(py)).toFixed(1)}`).join("");
  drawing.append(
    ...beside.map((each) => draw("path", { d: line(each), class: "other" })),
    draw("path", { d: line(shown) }),
    draw("text", { x: width - 6, y: height - 4, "text-anchor": "end" }, `${highX.toLocaleString("en")} steps`),
  );
  const readout = draw("text", { x: left, y: 10, class: "readout" });
  const cross = draw("line", { y1: top, y2: height - bottom, class: "cross", visibility: "hidden" });
  drawing.append(cross, readout);
  drawing.addEventListener("pointermove", (event) => {
    const edges = drawing.getBoundingClientRect();
    const at = ((event.clientX - edges.left) / edges.width) * width;
    const nearest = shown.reduce((one, other) => (Math.abs(x(other[0]) - at) < Math.abs(x(one[0]) - at) ? other : one));
    cross.setAttribute("visibility", "visible");
    cross.setAttribute("x1", x(nearest[0]));
    cross.setAttribute("x2", x(nearest[0]));
    readout.textContent = `step ${nearest[0].toLocaleString("en")}: ${number(nearest[1])}`;
  });
  drawing.addEventListener("pointerleave", () => { readout.textContent = ""; cross.setAttribute("visibility", "hidden"); });
  if (dots || shown.length === 1) for (const [px, py] of shown) drawing.append(draw("circle", { cx: x(px).toFixed(1), cy: y(scaled(py)).toFixed(1), r: 2.5 }));
  return drawing;
}
