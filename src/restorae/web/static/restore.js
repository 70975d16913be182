// Restore: add images, choose a model and settings, compare before and after, download.

import * as jobs from "./jobs.js";
import { Form } from "./form.js";
import { ImageList, isBusy, jobOf, keyOf } from "./images.js";
import { MaskTools } from "./mask.js";
import * as models from "./models.js";
import { Preview } from "./previews.js";
import { forget, Sending } from "./sending.js";
import { showResults } from "./results.js";
import { Viewer } from "./viewer.js";
import { $, ask, askJson, confirmed, make, newest, radioGroup, safely, say, size } from "./tools.js";

let images = []; // as the server tells; those on their way have no id
let current = sessionStorage.getItem("image");
let viewer;
let form; // the settings, as RestoreRequest describes them
let list;
let mask;
let sending;
let gallery = null; // the number of the server's last change of its gallery
let maskForModel = false; // whether the mask was switched on for a model that needs one
let asked = false; // whether the list was asked for
const wanted = new Map(); // image: job whose mask is taken when it is done
/** What a model must be able to do, or an image be, for a setting to be offered; all others always are. */
const NEEDS = {
  samples: (chosen) => chosen?.samples,
  error_map: (chosen) => chosen?.tells_bounds,
  self_ensemble: (chosen) => chosen?.takes_views,
  axes: (chosen, image) => image?.stack,
  together: (chosen, image) => image?.stack,
};

const picked = () => images.find((image) => image.id && image.id === current);
/** What restores an image where the person chose no model: decided by the server for each image. */
const automatic = (image) => image?.automatic[masked() && mask.has(image) ? "masked" : "whole"];
const model = () => models.get($("restore-model").value || automatic(picked())?.name);
const masked = () => Boolean(form?.value("mask"));

export const add = (brought) => sending.add(brought);

/** Send images for another part of the page, and resolve to those that arrived. */
export async function addFor(brought) {
  await begin();
  const arrived = (await sending.add(brought)).filter(Boolean);
  const refused = brought.length - arrived.length;
  say(`${arrived.length.toLocaleString("en")} images were sent${refused ? `; ${refused.toLocaleString("en")} cannot be used: Restore says why` : ""}.`);
  return arrived;
}

let beginning = null;

/** Begin, once. */
export function begin() {
  beginning ??= prepare();
  return beginning;
}

async function prepare() {
  viewer = new Viewer($("viewer"), {
    onzoom: (scale) => { $("zoom").textContent = `${scale >= 0.1 ? Math.round(100 * scale) : (100 * scale).toFixed(1)} %`; viewer.preview?.moved(); },
    onstroke: (stroke) => mask.add(stroke),
    onpoint: tellPoint,
  });
  mask = new MaskTools(viewer, { image: picked, changed: modelChanged });
  list = new ImageList($("images"), $("filter"), { pick, remove, again: (key) => sending.again(key) });
  sending = new Sending({
    images: () => images,
    put: (changed) => { images = changed; soon(); },
    arrived: (image, first) => { if (first || !picked()) pick(image.id); },
  });
  form = new Form($("restore-settings"), await askJson("/api/restore-form"), settingsChanged);
  const formats = await askJson("/api/formats");
  $("formats").replaceChildren(...formats.map((each) => make("li", { title: each.carries }, `${each.title} (${each.suffixes}): ${each.reads}`)));
  remembered();
  models.listen(() => {
    models.fillWith($("restore-model"), (each) => each.restores, [["", "Automatic: suits the image"]]);
    const known = localStorage.getItem("model");
    if ([...$("restore-model").options].some((option) => option.value === known)) $("restore-model").value = known;
    modelChanged();
  });
  $("restore-model").addEventListener("change", () => { localStorage.setItem("model", $("restore-model").value); modelChanged(); });
  $("restore-now").addEventListener("click", safely((event) => event.detail > 1 || (isBusy(picked()) ? jobs.stop(picked().job) : restore([picked()]))));
  $("restore-all").addEventListener("click", safely(() => restore(images.filter((image) => image.id && !isBusy(image) && ($("redo-all").checked || !image.result)))));
  $("zoom-in").addEventListener("click", () => viewer.zoom(1.5));
  $("zoom-out").addEventListener("click", () => viewer.zoom(1 / 1.5));
  $("zoom-fit").addEventListener("click", () => viewer.fit());
  $("zoom-one").addEventListener("click", () => viewer.one());
  radioGroup($("compare"), (button) => viewer.setMode(button.dataset.mode));
  for (const [id, name] of [["use-old-print", "photo-restorer"], ["denoise-anyway", "photo-denoiser"]]) $(id).addEventListener("click", () => { $("restore-model").value = name; $("restore-model").dispatchEvent(new Event("change")); });
  $("page-number").addEventListener("change", () => turnTo(Math.min(Number($("page-number").max), Math.max(1, Math.round(Number($("page-number").value)) || 1)) - 1));
  for (const step of [-1, 1]) $(step < 0 ? "page-back" : "page-on").addEventListener("click", () => turnTo((picked()?.pageShown?.page ?? 0) + step));
  $("find-defects").addEventListener("click", safely(findDefects));
  for (const side of ["left", "right"]) $(`side-${side}`).addEventListener("change", () => showSides());
  $("overlay").addEventListener("change", () => { viewer.overlay = $("overlay").value; update(); });
  for (const example of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-example]"))) example.addEventListener("click", safely(() => tryExample(example.dataset.example)));
  window.addEventListener("pickimage", (/** @type {CustomEvent} */ event) => pick(event.detail));
  window.addEventListener("reconnected", safely(refresh));
  jobs.onRestart(safely(restarted));
  jobs.listen(safely(jobsChanged));
  await refresh();
}

// ------------------------------------------------------------------------------------------------- the list

async function refresh() {
  const [found, refused] = await Promise.all([askJson("/api/images"), askJson("/api/refused")]);
  const here = new Set([...found.map((image) => image.place), ...images.map((image) => image.id || image.place)]);
  const waiting = images.filter((image) => !image.id && !found.some((each) => each.place === image.place));
  for (const { place, name, folder, reason } of refused) if (!here.has(place)) waiting.push({ key: `refused ${place}`, place, name, folder, refused: reason });
  const before = new Map(images.map((image) => [image.id, image]));
  for (const image of found) Object.assign(image, { file: before.get(image.id)?.file, downloaded: before.get(image.id)?.downloaded, pageShown: before.get(image.id)?.pageShown, known: image.job });
  images = [...found, ...waiting].sort((one, other) => one.place - other.place);
  asked = true;
  if (!picked()) current = images.findLast((image) => image.id)?.id ?? null;
  modelChanged();
}

function pick(id) {
  current = id;
  sessionStorage.setItem("image", id);
  viewer.setSides("before", "after");
  modelChanged();
}

const remove = safely(async (key) => {
  const index = images.findIndex((each) => keyOf(each) === key);
  const image = images[index];
  if (!image) return;
  const unsaved = image.result && !image.results.at(-1).saved && !image.downloaded;
  if (unsaved && !(await confirmed(`${image.name} is restored and was not downloaded. Remove it?`, "Remove"))) return;
  if (image.sending) sending.cancel(image);
  else if (image.refused) await forget(image);
  else if (image.id) {
    try {
      await ask(`/api/images/${image.id}`, { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) throw error; // what is gone already is removed
    }
    if (image.file) say(`${image.name} was removed.`, () => sending.add([{ file: image.file, folder: image.folder }]));
  }
  images = images.filter((each) => each !== image);
  if (key === current) current = (images[index] ?? images.at(-1))?.id ?? images.findLast((each) => each.id)?.id ?? null;
  modelChanged();
  list.focus();
});

/** The server was started anew: say what is lost, and send again what this page still has. */
async function restarted() {
  const before = images.filter((image) => image.id);
  await refresh();
  const lost = before.filter((image) => !images.some((each) => each.id === image.id));
  if (!lost.length) return;
  const results = lost.filter((image) => image.result).length;
  const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const kept = lost.filter((image) => image.file);
  $("lost-told").textContent = `The server was started anew. ${counted(lost.length, "image")}${results ? ` and ${counted(results, "result")}` : ""} were not kept.`;
  $("send-again").hidden = !kept.length;
  $("send-again").textContent = `Send ${counted(kept.length, "image")} again`;
  $("lost").hidden = false;
  $("send-again").onclick = () => {
    $("lost").hidden = true;
    sending.add(kept.map((image) => ({ file: image.file, folder: image.folder })));
  };
  $("lost-close").onclick = () => { $("lost").hidden = true; };
}

async function tryExample(name) {
  const answer = await ask(`/api/examples/${name}.png`);
  const file = new File([await answer.blob()], `${name}.png`, { type: "image/png" });
  const suggested = answer.headers.get("x-model") ?? "";
  const arrived = await sending.add([{ file, folder: "" }]);
  $("restore-model").value = suggested;
  modelChanged();
  if (arrived[0]) await restore([arrived[0]]);
}

// ------------------------------------------------------------------------------------------------- settings

function remembered() {
  try {
    for (const [name, value] of Object.entries(JSON.parse(sessionStorage.getItem("settings") ?? "{}"))) form.set(name, value);
  } catch { /* settings of another version */ }
}

function settingsChanged() {
  sessionStorage.setItem("settings", JSON.stringify(form.values()));
  modelChanged();
}

/** Say which model was chosen, and why. */
function showChoice() {
  const image = picked();
  const choice = $("restore-model").value ? null : automatic(image);
  const chosen = model();
  let text = "";
  if (choice) text = `${models.title(choice.name)} (${choice.reason}).${choice.name === "page-cleaner" ? " It whitens photographs on a page: if there is one, choose another model." : ""}`;
  else if (!$("restore-model").value) text = "A model is chosen for each image.";
  else if (models.isForOthers(chosen, image)) text = `Made for other images: ${chosen.about}`;
  if ($("chosen-model").textContent !== text) $("chosen-model").textContent = text;
  $("old-print").hidden = choice?.name !== "photo-denoiser";
  $("chosen-model").classList.toggle("error", models.isForOthers(chosen, image));
}

function modelChanged() {
  const chosen = model();
  $("model-card").hidden = !chosen;
  if ($("model-card").dataset.model !== chosen?.name) {
    $("model-card").dataset.model = chosen?.name ?? "";
    $("model-card").querySelector("div").replaceChildren(...models.facts(chosen));
  }
  for (const [name, fits] of Object.entries(NEEDS)) form.offer(name, Boolean(fits(chosen, picked())));
  if (chosen?.needs_mask && !masked()) {
    form.set("mask", true);
    maskForModel = true;
  } else if (chosen && !chosen.needs_mask && maskForModel) {
    maskForModel = false;
    if (!picked() || !mask.has(picked())) form.set("mask", false); // the other model does not need it
  }
  showChoice();
  mask.setShown(masked() && Boolean(picked()));
  update();
  showPreview();
}

// ------------------------------------------------------------------------------------------------- what is shown

function update() {
  list.show(images, current);
  const image = picked();
  const open = images.filter((each) => each.id);
  const todo = open.filter((each) => !isBusy(each) && ($("redo-all").checked || !each.result) && (!masked() || mask.has(each)));
  const job = jobOf(image);
  $("stage").classList.toggle("nothing", !image);
  $("empty").hidden = Boolean(image) || !asked;
  $("restore-now").disabled = !image;
  $("restore-now").textContent = isBusy(image) ? `${job.state === "running" ? `Restoring … ${jobs.told(job).split(",")[0]}` : "Waiting …"} Cancel` : image?.result ? "Restore again" : "Restore";
  $("all-row").hidden = open.length < 2;
  $("restore-all").disabled = !todo.length;
  $("restore-all").textContent = `Restore all ${todo.length.toLocaleString("en")}`;
  $("redo-all").closest("label").hidden = !open.some((each) => each.result);
  const painted = open.filter((each) => mask.has(each)).length;
  $("all-note").textContent = masked() && open.length > 1 ? `${painted} of ${open.length} images have paint; the others stay as they are.` : "";
  showPages(image);
  viewer.show(image ? { ...image, ...image.pageShown } : null);
  $("image-facts").textContent = image ? facts(image) : "\u00a0";
  showResults(image, viewer, job);
  $("denoise-anyway").hidden = !(viewer.preview?.unchanged || image?.results.at(-1)?.unchanged);
  const results = open.filter((each) => each.result).length;
  $("download-all").hidden = results < 2;
  $("download-all").textContent = `Download all ${results.toLocaleString("en")} as ZIP`;
}

const LONG_LIST = 200;
let frame = null;

/** Update with the next frame, or twice a second where the list is long: files arrive faster than they can be drawn. */
function soon() {
  const draw = () => requestAnimationFrame(() => {
    frame = null;
    update();
  });
  frame ??= images.length > LONG_LIST ? setTimeout(draw, 500) : draw();
}

/** Which of several pages is looked at. */
function showPages(image) {
  $("pages").hidden = !image || image.pages < 2;
  if (!image) return;
  const page = image.pageShown?.page ?? 0;
  $("page-number").max = String(image.pages);
  if (document.activeElement !== $("page-number")) $("page-number").value = String(page + 1);
  $("page-count").textContent = `of ${image.pages.toLocaleString("en")}`;
  $("page-back").disabled = page === 0;
  $("page-on").disabled = page === image.pages - 1;
}

/** Look at another page, counted from 0; all of them are restored. */
const turnTo = newest(safely(async (page) => {
  const image = picked();
  if (!image || !(page >= 0 && page < image.pages)) return;
  image.pageShown = page ? await askJson(`/api/images/${image.id}/pages/${page}`) : undefined;
  update();
  showPreview();
}));

function showSides() {
  viewer.setSides($("side-left").value, $("side-right").value);
  update();
  showPreview();
}

function facts(image) {
  const depth = { uint8: "8 bits", uint16: "16 bits", float32: "float", bool: "1 bit" }[image.dtype] ?? image.dtype;
  const kind = { 1: "grey", 3: "colour" }[image.channels] ?? `${image.channels} channels`;
  const alpha = image.alpha ? ", with transparency" : "";
  const pages = image.pages > 1 ? `, ${image.pages.toLocaleString("en")} pages, all are restored` : "";
  const notices = image.notices.length ? `. Note: ${image.notices.join("; ")}` : "";
  return `${image.width} × ${image.height}, ${kind}${alpha}, ${depth}, ${image.kind.toUpperCase()}, ${size(image.bytes)}${pages}${notices}`;
}

function tellPoint(point) {
  if (!point) {
    $("pixel").textContent = "";
    return;
  }
  const value = point.value ? `: ${point.value.join(", ")}` : "";
  const error = point.overlay && viewer.overlay === "error" ? `, 90 % of errors below ${Math.round(point.overlay[0] / 5)} of 255` : "";
  $("pixel").textContent = `x ${point.column}, y ${point.row}${value}${error}`;
}

/** Show what the settings would make of the parts in view, where that is not known already. */
function showPreview() {
  const image = picked();
  const chosen = model();
  const note = (text) => { $("restore-note").textContent = text; };
  const json = { ...form.values(), model: $("restore-model").value || null, mask: Boolean(masked() && image && mask.has(image)) };
  const known = image && chosen && image.results.find((each) => each.model === chosen.name && !(json.model && each.unchanged) && form.agrees(each.settings) && !each.settings.mask === !json.mask);
  const impossible = !image || !chosen || isBusy(image) || known || (chosen.needs_mask && !json.mask) || (masked() && !json.mask);
  if (impossible) {
    viewer.preview?.close();
    viewer.setPreview(null);
    note(image && chosen && masked() && !mask.has(image) ? "Paint what shall be changed, load a mask, or find defects." : "");
    viewer.setSides($("side-left").value || "before", known && known !== image.results.at(-1) ? `after-${known.number}` : $("side-right").value === "preview" ? "after" : $("side-right").value || "after");
    showResults(image, viewer, jobOf(image));
    return;
  }
  const preview = new Preview(image.id, json, {
    arrived: () => { viewer.redraw(); if (preview.unchanged && viewer.preview === preview) update(); },
    failed: (sentence) => { if (viewer.preview === preview) { viewer.setPreview(null); note(sentence); update(); } },
    told: (sentence) => { if (viewer.preview === preview) note(sentence); },
  }, image.pageShown?.page ?? 0);
  preview.key += `${image.mask_version} ${chosen.name}`;
  if (viewer.preview?.key === preview.key) return;
  viewer.preview?.close();
  note("");
  viewer.setPreview(preview);
  viewer.setSides($("side-left").value || "before", "preview");
  showResults(image, viewer, jobOf(image));
}

// ------------------------------------------------------------------------------------------------- jobs

async function restore(chosen) {
  const ids = chosen.filter(Boolean).map((image) => image.id);
  if (!ids.length) return;
  const name = $("restore-model").value;
  const others = chosen.filter((image) => models.isForOthers(models.get(name), image)).length;
  if (others && !(await confirmed(`${models.title(name)} was made for other images. Restore ${others === 1 ? "this image" : `${others} images`} with it all the same?`, "Restore"))) return;
  const settings = { ...form.values(), model: name || null, mask: masked() };
  const answer = await askJson("/api/restorations", { method: "POST", json: { images: ids, settings } });
  for (const { image, job } of answer.jobs) { const found = images.find((each) => each.id === image); if (found) found.job = job; }
  if (ids.length === 1 && answer.refused.length) throw new Error(answer.refused[0].error === "It has no mask." ? "“Only where I paint” is on, and nothing is painted. Paint first." : answer.refused[0].error);
  if (ids.length > 1) {
    const left = answer.refused.length ? ` ${answer.refused.length} stay as they are: ${answer.refused.slice(0, 3).map((each) => `${each.name}: ${each.error}`).join(" ")}` : "";
    say(`${answer.jobs.length.toLocaleString("en")} of ${ids.length.toLocaleString("en")} images wait for their turn.${left}`);
  }
  update();
}

async function findDefects() {
  const image = picked();
  if (!image) return;
  const job = await askJson(`/api/images/${image.id}/find-defects`, { method: "POST", json: {} });
  wanted.set(image.id, job.id);
  $("find-defects").disabled = true;
}

async function jobsChanged(all, changed, version) {
  if (!viewer) return;
  for (const [id, job] of wanted) {
    const found = jobs.get(job);
    if (found && !jobs.isOver(found)) continue;
    wanted.delete(id);
    $("find-defects").disabled = false;
    const image = images.find((each) => each.id === id);
    if (found?.state === "done" && image) {
      mask.found(image, { ...(await askJson(`/api/images/${id}`)), file: image.file });
      say(found.result.mask ? "Defects were found: edit the paint, then restore." : "No defects were found.");
    } else if (found?.error) say(found.error);
  }
  const byId = new Map(images.map((image) => [image.id, image]));
  // where all jobs came at once, the page was just opened, and asks for all images anyway
  const news = changed === all ? [] : changed.filter((job) => job.kind === "restore" && job.state === "done" && byId.has(job.about.image) && byId.get(job.about.image).known !== job.id);
  const elsewhere = asked && version !== null && gallery !== null && version - gallery !== news.length;
  if (elsewhere && sending.active === 0) safely(refreshSoon)();
  else for (const job of news) await renewed(job);
  gallery = version ?? gallery;
  if (news.some((job) => job.about.image === current)) {
    const latest = picked();
    if (latest?.result) afterRestoring(latest);
  }
  soon();
  if (!isBusy(picked())) showPreview();
}

/** A job is done: ask for its image alone, not for all of them. */
async function renewed(job) {
  const found = await askJson(`/api/images/${job.about.image}`);
  images = images.map((each) => (each.id === found.id ? { ...found, file: each.file, pageShown: each.pageShown, known: job.id } : each));
}

let refreshing = null;

/** Other pages may add and remove images in quick succession. */
function refreshSoon() {
  refreshing ??= new Promise((resolve) => setTimeout(resolve, 400)).then(async () => {
    refreshing = null;
    await refresh();
  });
  return refreshing;
}

/** What was asked for with the result is shown at once. */
function afterRestoring(image) {
  viewer.setSides("before", "after");
  $("side-right").value = "after";
  const maps = image.layers.filter((layer) => !["before", "after"].includes(layer));
  viewer.overlay = maps.includes("error") ? "error" : maps[0] ?? "";
  $("overlay").value = viewer.overlay;
}
