// Restore: add images, choose a model and settings, compare before and after, download.

import * as jobs from "./jobs.js";
import { Form } from "./form.js";
import * as models from "./models.js";
import { Viewer } from "./viewer.js";
import { $, ask, askJson, fill, make, newest, renew, safely, say, sendImage, size, takeFiles } from "./tools.js";

let images = []; // as the server tells; those on their way have no id
let current = null;
let viewer;
let form; // the settings, as RestoreRequest describes them
let count = 0;
const OVERLAYS = {
  error: { name: "possible error", about: "90 % of the errors are smaller; full orange is a fifth of the range or more." },
  spread: { name: "where the answers differ", about: "The more orange, the more they differ." },
};
/** What a model must be able to do, or an image be, for a setting to be offered; all others always are. */
const NEEDS = {
  samples: (chosen) => chosen?.samples,
  error_map: (chosen) => chosen?.tells_bounds,
  self_ensemble: (chosen) => chosen?.takes_views,
  axes: (chosen, image) => image?.stack,
  together: (chosen, image) => image?.stack,
};
const seen = new Map(); // image: the last job whose result is known here

const picked = () => images.find((image) => image.id && image.id === current);
/** What restores an image where the person chose no model: decided by the server for each image. */
const automatic = (image) => image?.automatic[masked() && image.mask ? "masked" : "whole"];
const model = () => models.get($("restore-model").value || automatic(picked())?.name);
const jobOf = (image) => (image?.job ? jobs.get(image.job) : null);
const busy = (image) => { const job = jobOf(image); return Boolean(job && !jobs.isOver(job)); };

const masked = () => Boolean(form?.value("mask"));

export async function begin() {
  viewer = new Viewer($("viewer"), {
    onzoom: (scale) => { $("zoom").value = `${scale >= 0.1 ? Math.round(100 * scale) : (100 * scale).toFixed(1)} %`; },
    onstrokes: safely(saveStrokes),
  });
  form = new Form($("restore-settings"), await askJson("/api/restore-form"), modelChanged);
  const formats = await askJson("/api/formats");
  renew($("formats"), formats.map((each) => make("li", { title: each.carries }, `${each.title} (${each.suffixes}): ${each.reads}`)));
  takeFiles($("drop"), $("files"), add);
  takeFiles(document.body, make("input"), (files) => {
    if (!$("page-restore").hidden) add(files);
  });
  models.listen(() => {
    models.fillWith($("restore-model"), (each) => each.restores, [["", "Automatic"]]);
    remember();
    modelChanged();
  });
  $("restore-model").addEventListener("change", () => { localStorage.setItem("model", $("restore-model").value); modelChanged(); });
  $("restore-now").addEventListener("click", safely(() => restore([picked()])));
  $("restore-all").addEventListener("click", safely(() => restore(images.filter((image) => image.id && !busy(image)))));
  $("zoom-in").addEventListener("click", () => viewer.zoom(1.5));
  $("zoom-out").addEventListener("click", () => viewer.zoom(1 / 1.5));
  $("zoom-fit").addEventListener("click", () => viewer.fit());
  $("zoom-one").addEventListener("click", () => viewer.one());
  for (const button of document.querySelectorAll("[data-mode]")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-mode]")) each.setAttribute("aria-checked", String(each === button));
      viewer.setMode(button.dataset.mode);
    });
  }
  for (const tool of ["brush", "eraser", "hand"]) $(tool).addEventListener("click", () => take(tool));
  $("brush-size").addEventListener("input", () => take());
  $("undo").addEventListener("click", safely(() => saveStrokes(viewer.strokes.slice(0, -1))));
  $("clear-mask").addEventListener("click", safely(() => saveStrokes([])));
  $("mask-file").addEventListener("change", safely(takeMask));
  $("overlay").addEventListener("change", lay);
  jobs.listen(safely(jobsChanged));
  safely(refresh)();
}

function remember() {
  const known = localStorage.getItem("model");
  if ([...$("restore-model").options].some((option) => option.value === known)) $("restore-model").value = known;
}

async function refresh() {
  const waiting = images.filter((image) => !image.id);
  images = [...(await askJson("/api/images")), ...waiting];
  if (!picked()) current = images.findLast((image) => image.id)?.id ?? null;
  modelChanged();
}

const add = safely(async (files) => {
  const coming = files.map((file) => ({ name: file.name, key: `coming ${(count += 1)}`, sending: true }));
  images.push(...coming);
  update();
  for (const [index, file] of files.entries()) {
    const put = (found) => { images = images.map((each) => (each === coming[index] ? found : each)); };
    try {
      const found = await sendImage(file);
      // the list may have been asked for meanwhile, and hold it already
      images = images.filter((each) => each.id !== found.id);
      put(found);
      current = found.id;
      modelChanged();
    } catch (error) {
      put({ name: file.name, key: coming[index].key, refused: error.message });
      update();
    }
  }
});

function pick(id) {
  current = id;
  modelChanged();
}

const remove = safely(async (key) => {
  const image = images.find((each) => (each.id ?? each.key) === key);
  if (image?.id) await ask(`/api/images/${image.id}`, { method: "DELETE" });
  images = images.filter((each) => each !== image);
  if (key === current) current = images.findLast((each) => each.id)?.id ?? null;
  modelChanged();
});

/** Say which model was chosen, and why. */
function showChoice() {
  const choice = $("restore-model").value ? null : automatic(picked());
  const text = choice ? `${choice.name}: ${choice.reason}. ${choice.notice}`.trim() : $("restore-model").value ? "" : "A model is chosen for each image.";
  if ($("chosen-model").textContent !== text) $("chosen-model").textContent = text;
}

function modelChanged() {
  const chosen = model();
  showChoice();
  $("model-card").hidden = !chosen;
  $("model-card").querySelector("dl").replaceChildren(...models.facts(chosen));
  for (const [name, fits] of Object.entries(NEEDS)) form.offer(name, Boolean(fits(chosen, picked())));
  if (chosen?.needs_mask) form.set("mask", true);
  painting();
  update();
  preview();
}

function update() {
  const list = images.map((image) => {
    const job = jobOf(image);
    const told = image.refused ?? (image.sending ? "sending …" : job ? jobs.told(job) : image.result ? "restored" : `${image.width} × ${image.height}, ${size(image.bytes)}`);
    const failed = image.refused || job?.state === "failed";
    const text = make("span", { class: "text" },
      make("span", { class: "name" }, image.name),
      job && !jobs.isOver(job) ? jobs.bar(job) : null,
      make("span", { class: failed ? "told error" : "told" }, told));
    const thumbnail = image.id ? make("img", { src: `/api/images/${image.id}/thumbnail.png`, alt: "", loading: "lazy" }) : null;
    const here = Boolean(image.id) && image.id === current;
    const active = Boolean(job && !jobs.isOver(job));
    const key = image.id ?? image.key;
    return make("li", { class: here ? "current" : "", "data-key": `${key}-${active}` },
      make("button", { class: "pick", disabled: !image.id, "aria-pressed": String(here), onclick: () => pick(key) }, thumbnail, text),
      active
        ? make("button", { class: "quiet small", onclick: () => jobs.stop(image.job), "aria-label": `Cancel ${image.name}` }, "Cancel")
        : make("button", { class: "quiet small", disabled: Boolean(image.sending), onclick: () => remove(key), "aria-label": `Remove ${image.name}` }, "✕"));
  });
  renew($("images"), list);
  const image = picked();
  const open = images.filter((each) => each.id);
  $("restore-now").disabled = !image || busy(image);
  $("restore-now").textContent = image?.result ? "Restore again" : "Restore";
  $("restore-all").hidden = open.length < 2;
  $("restore-all").textContent = `Restore all ${open.length}`;
  viewer.show(image ?? null);
  $("image-facts").textContent = image ? facts(image) : "\u00a0";
  const job = jobOf(image);
  const told = job ? (job.state === "done" ? `By ${job.about.model}, ${jobs.told(job)}` : job.state === "running" ? "Restoring …" : job.state === "waiting" ? jobs.told(job) : job.error) : "";
  if ($("image-state").textContent !== told) $("image-state").textContent = told;
  $("image-state").className = job?.state === "failed" ? "error" : "";
  $("download").hidden = !image?.result;
  if (image?.result) {
    $("download").href = `/api/images/${image.id}/restored`;
    $("download").setAttribute("download", image.result);
    $("download").setAttribute("aria-label", `Download ${image.result}`);
  }
  const overlays = (image?.layers ?? []).filter((layer) => !["before", "after"].includes(layer));
  $("overlay-tools").hidden = !overlays.length;
  if (overlays.join() !== [...$("overlay").options].slice(1).map((option) => option.value).join()) {
    fill($("overlay"), [["", "none"], ...overlays.map((layer) => [layer, OVERLAYS[layer]?.name ?? layer])], viewer.overlay);
    lay();
  }
}

function lay() {
  viewer.overlay = $("overlay").value;
  $("overlay-note").textContent = OVERLAYS[viewer.overlay]?.about ?? "";
  viewer.redraw();
}

function facts(image) {
  const depth = { uint8: "8 bits", uint16: "16 bits", float32: "float", bool: "1 bit" }[image.dtype] ?? image.dtype;
  const kind = { 1: "grey", 3: "colour" }[image.channels] ?? `${image.channels} channels`;
  const pages = image.pages > 1 ? `, ${image.pages} pages (the first is shown)` : "";
  const notices = image.notices.length ? `. Note: ${image.notices.join("; ")}` : "";
  return `${image.width} × ${image.height}, ${kind}, ${depth}, ${image.kind.toUpperCase()}, ${size(image.bytes)}${pages}${notices}`;
}

/** Show soon what the result will be about: a smaller copy, restored at once. */
const preview = newest(async () => {
  const image = picked();
  const chosen = model();
  $("restore-note").textContent = "";
  if (!image || !chosen) return;
  const job = jobOf(image);
  const same = job?.state === "done" && job.about.model === chosen.name && form.agrees(job.about);
  if (image.result && (same || !job)) return;
  if (chosen.needs_mask || busy(image)) return;
  const json = { ...form.values(), model: chosen.name, mask: Boolean(masked() && image.mask) };
  try {
    const answer = await ask(`/api/images/${image.id}/preview.png`, { method: "POST", json });
    const bitmap = await createImageBitmap(await answer.blob());
    if (picked()?.id !== image.id) return;
    if (!picked().layers.includes("after")) viewer.showPreview(bitmap);
    const smaller = image.width > bitmap.width;
    $("restore-note").textContent = picked().layers.includes("after") ? "Settings changed: restore again to see the result." : smaller ? "The preview is a smaller copy. Restore processes the whole image." : "";
  } catch (error) {
    $("restore-note").textContent = error.message;
  }
});

async function restore(chosen) {
  const wanted = chosen.filter(Boolean);
  const refused = [];
  for (const image of wanted) {
    const json = { ...form.values(), model: $("restore-model").value || null, mask: masked() && (image.mask || image.id === current) };
    try {
      image.job = (await askJson(`/api/images/${image.id}/restore`, { method: "POST", json })).id;
    } catch (error) {
      if (wanted.length === 1) throw error;
      refused.push(`${image.name}: ${error.message}`);
    }
  }
  if (wanted.length > 1) say([`${wanted.length - refused.length} of ${wanted.length} images are waiting.`, ...refused].join(" "));
  update();
}

async function jobsChanged(all) {
  const known = new Set(images.map((image) => image.job));
  const restored = all.filter((job) => job.kind === "restore" && job.state === "done");
  const news = restored.filter((job) => Number(seen.get(job.about.image) ?? 0) < Number(job.id));
  for (const job of news) seen.set(job.about.image, job.id);
  if (news.length || all.some((job) => job.kind === "restore" && !jobs.isOver(job) && !known.has(job.id))) await refresh();
  else update();
}

// ------------------------------------------------------------------------------------------------- the mask

let tool = "brush";

function painting() {
  $("paint-tools").hidden = !masked();
  take();
}

function take(chosen = tool) {
  tool = chosen;
  for (const each of ["brush", "eraser", "hand"]) $(each).setAttribute("aria-pressed", String(each === tool));
  viewer.setPainting(masked() && tool !== "hand" ? { radius: Number($("brush-size").value), erase: tool === "eraser" } : null);
}

async function saveStrokes(strokes) {
  const image = picked();
  if (!image) return;
  viewer.setStrokes(strokes);
  const answered = await askJson(`/api/images/${image.id}/mask`, { method: "PUT", json: { strokes } });
  image.strokes = answered.strokes;
  image.mask = answered.mask;
  modelChanged();
}

async function takeMask() {
  const [file] = $("mask-file").files;
  $("mask-file").value = "";
  const image = picked();
  if (!file || !image) return;
  Object.assign(image, await askJson(`/api/images/${image.id}/mask`, { method: "POST", body: file }));
  say("The mask was loaded.");
  modelChanged();
}
