// Film: drop one, look at its frames, trim it, preview five frames, restore it as a job, download it.

import { onChosen, onDropped } from "./files.js";
import { FilmColours } from "./film_colour.js";
import { Form } from "./form.js";
import { isFilm } from "./kinds.js";
import * as jobs from "./jobs.js";
import * as models from "./models.js";
import { $, ask, askJson, confirmed, make, newest, renew, safely, say, send, size } from "./tools.js";

let films = [];
let current = null;
let form;
let missing = "";
let preview = null; // {film, frames}: the newest preview
let colours; // references, and painting
let sending = null; // {name, share}

const picked = () => films.find((film) => film.id === current);
const jobOf = (film) => (film?.job ? jobs.get(film.job) : null);
const isBusy = (film) => { const job = jobOf(film); return Boolean(job && !jobs.isOver(job)); };
/** @type {() => number} */
const at = () => Number($("film-at").value);

export async function begin() {
  const answer = await askJson("/api/films");
  missing = answer.missing;
  films = answer.films;
  current = films.at(-1)?.id ?? null;
  form = new Form($("film-settings"), answer.form, () => { preview = null; show(); });
  $("film-missing").textContent = missing;
  $("film-missing").hidden = !missing;
  for (const id of ["film-file", "film-preview", "film-restore"]) $(id).disabled = Boolean(missing);
  models.listen(() => {
    const before = $("film-model").value;
    models.fillWith($("film-model"), (model) => model.films && model.group !== "lesson");
    if (!before && models.get("film-cleaner")) $("film-model").value = "film-cleaner";
  });
  $("film-model").addEventListener("change", () => { preview = null; show(); });
  colours = new FilmColours({ film: picked, at, settings, changed, previewed: (frames) => { preview = { frames }; show(); }, goTo });
  $("film-recolour").addEventListener("change", () => { preview = null; show(); });
  onChosen($("film-file"), (brought) => add(brought));
  onDropped($("film-drop"), (brought) => add(brought));
  $("film-at").addEventListener("input", show);
  for (const step of [-1, 1]) $(step < 0 ? "film-back" : "film-on").addEventListener("click", () => { $("film-at").value = String(at() + step); show(); });
  $("film-begin").addEventListener("click", () => { $("film-from").value = timeOf(at()); });
  $("film-end").addEventListener("click", () => { $("film-to").value = at() + 1 < (picked()?.frames ?? 0) ? timeOf(at() + 1) : ""; });
  $("film-preview").addEventListener("click", safely(showPreview));
  $("film-restore").addEventListener("click", safely(restore));
  $("film-go-on").addEventListener("click", safely(goOn));
  $("film-download").addEventListener("click", () => { const film = picked(); if (film) film.downloaded = true; });
  jobs.listen(safely(jobsChanged));
  jobs.onRestart(safely(refresh));
  pick(current);
}

/** A film has changed: its references, or its job. */
function changed(film) {
  const former = films.find((each) => each.id === film.id);
  if (JSON.stringify(former?.references) !== JSON.stringify(film.references)) preview = null;
  films = films.map((each) => (each.id === film.id ? { ...film, downloaded: each.downloaded } : each));
  show();
}

function goTo(frame) {
  $("film-at").value = String(frame);
  show();
}

/** Whether images that are dropped are references: a film is in view. */
export const takesReferences = () => Boolean(picked());
export const addReferences = (brought) => colours.add(brought);

async function refresh() {
  films = (await askJson("/api/films")).films;
  if (!picked()) pick(films.at(-1)?.id ?? null);
  show();
}

/** Take films of what was dropped, one after the other. */
export const add = safely(async (brought) => {
  if (missing) throw new Error(missing);
  for (const { file } of brought.filter((each) => each.file)) {
    if (!isFilm(file.name) && !file.type.startsWith("video/")) {
      say(`${file.name} is not a film by its name. Images go to Restore.`);
      continue;
    }
    sending = { name: file.name, share: 0 };
    try {
      const film = await send("/api/films", file, { name: file.name }, (share) => { sending = { name: file.name, share }; showList(); });
      films = [...films, film];
      pick(film.id);
    } catch (error) {
      $("film-note").textContent = error.message;
      $("film-note").className = "note error";
    } finally {
      sending = null;
      showList();
    }
  }
});

function pick(id) {
  current = id;
  preview = null;
  const film = picked();
  $("film-at").max = String(film ? film.frames - 1 : 0);
  $("film-at").value = String(film ? Math.floor(film.frames / 2) : 0);
  $("film-from").value = $("film-to").value = "";
  $("film-note").className = "note";
  $("film-note").textContent = "";
  show();
}

const remove = safely(async (id) => {
  const film = films.find((each) => each.id === id);
  if (film.result && !film.downloaded && !(await confirmed(`${film.name} is restored and was not downloaded. Remove it?`, "Remove"))) return;
  try {
    await ask(`/api/films/${id}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) throw error; // what is gone already is removed
  }
  films = films.filter((each) => each !== film);
  if (id === current) pick(films.at(-1)?.id ?? null);
  showList();
});

// ------------------------------------------------------------------------------------------------- what is shown

/** When a frame of the film in view is shown, in seconds, rounded down: so that a part from there holds it. */
function timeOf(number) {
  const film = picked();
  if (!film || film.frames < 2) return "0";
  const seconds = film.times?.[number] ?? (number / (film.frames - 1)) * film.seconds;
  return (Math.floor(1000 * seconds + 1e-6) / 1000).toFixed(3);
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

function show() {
  const film = picked();
  const job = jobOf(film);
  $("film-view").hidden = !film;
  $("film-blank").hidden = Boolean(film);
  $("film-restore").disabled = !film || Boolean(missing);
  $("film-restore").textContent = isBusy(film) ? "Cancel" : film?.result ? "Restore again" : "Restore";
  $("film-go-on").hidden = !film?.is_stopped || isBusy(film);
  $("film-download").hidden = !film?.result;
  showList();
  colours.update();
  if (!film) return;
  if (film.result) {
    $("film-download").href = `/api/films/${film.id}/restored`;
    $("film-download").setAttribute("download", film.result);
  }
  $("film-time").textContent = `frame ${at() + 1} of ${film.frames.toLocaleString("en")}, ${clock(Number(timeOf(at())))}`;
  const known = preview?.frames.find((frame) => frame.number === at());
  showFrame(`/api/films/${film.id}/frames/${at()}.png`);
  $("film-after").hidden = !known;
  $("film-after-note").hidden = Boolean(known);
  if (known) $("film-after").src = known.after;
  renew($("film-strip"), (preview?.frames ?? []).map((frame) => make("button", { "aria-pressed": String(frame.number === at()), "data-key": String(frame.number), onclick: () => { $("film-at").value = String(frame.number); show(); } },
    make("img", { src: frame.after, alt: "" }), make("span", {}, `frame ${frame.number + 1}`))));
  const notices = [...film.notices, ...film.result_notices];
  $("film-facts").textContent = `${film.width} × ${film.height}, ${film.codec}, ${film.rate} frames per second, ${clock(film.seconds)}, ${size(film.bytes)}. Sound, subtitles and time stamps are kept.${notices.length ? ` Note: ${notices.join("; ")}.` : ""}`;
  if (job) {
    $("film-note").textContent = job.state === "running" && job.task === "Measuring" ? `Measuring cuts and flicker: ${jobs.told(job)}` : jobs.told(job);
    $("film-note").className = job.state === "failed" ? "note error" : "note";
  }
  if (film.is_stopped && (!job || job.state === "cancelled")) $("film-note").textContent = "It was stopped. Go on restores the rest with the settings that it had.";
}

const showFrame = newest(async (path) => {
  if ($("film-before").getAttribute("src") === path) return;
  $("film-before").src = path;
  await $("film-before").decode().catch(() => {});
});

function showList() {
  const rows = films.map((film) => {
    const job = jobOf(film);
    const told = job && (!jobs.isOver(job) || job.state === "failed") ? jobs.told(job) : film.is_stopped && !isBusy(film) ? "stopped" : film.result ? "restored" : `${film.frames.toLocaleString("en")} frames`;
    return make("li", { class: film.id === current ? "current" : "", "data-key": `${film.id}-${isBusy(film)}` },
      make("button", { class: "pick", "aria-pressed": String(film.id === current), onclick: () => pick(film.id) },
        make("span", { class: "text" }, make("span", { class: "name" }, film.name), isBusy(film) ? jobs.bar(job) : null, make("span", { class: "told" }, told))),
      make("button", { class: "quiet small", onclick: () => remove(film.id), "aria-label": `Remove ${film.name}` }, "✕"));
  });
  if (sending) rows.push(make("li", { "data-key": "sending" }, make("div", { class: "pick" }, make("span", { class: "text" }, make("span", { class: "name" }, sending.name), make("progress", { max: 1, value: sending.share, "aria-label": `Sending ${sending.name}` }), make("span", { class: "told" }, sending.share < 1 ? `sending: ${Math.round(100 * sending.share)} %` : "reading its time stamps …")))));
  renew($("films"), rows);
}

// ------------------------------------------------------------------------------------------------- previews and jobs

const settings = () => ({ ...form.values(), model: $("film-model").value || null, recolour: $("film-recolour").checked });

async function showPreview() {
  const film = picked();
  if (!film) return;
  const button = $("film-preview");
  button.disabled = true;
  button.textContent = "Restoring 5 frames …";
  try {
    await colours.settled();
    const { frames } = await askJson(`/api/films/${film.id}/preview?number=${at()}`, { method: "POST", json: settings() });
    if (film.id === current) preview = { frames };
    $("film-note").className = "note";
    $("film-note").textContent = "";
  } catch (error) {
    $("film-note").className = "note error";
    $("film-note").textContent = error.message;
  } finally {
    button.disabled = false;
    button.textContent = "Preview 5 frames here";
  }
  show();
}

async function restore() {
  const film = picked();
  if (isBusy(film)) {
    await jobs.stop(film.job);
    return;
  }
  await colours.settled();
  const part = { from_time: $("film-from").value.trim() || null, to_time: $("film-to").value.trim() || null };
  try {
    const job = await askJson(`/api/films/${film.id}/restore`, { method: "POST", json: { ...settings(), ...part } });
    film.job = job.id;
    $("film-note").className = "note";
    $("film-note").textContent = "It goes on when this page is closed. A film that is cancelled goes on where it was.";
  } catch (error) {
    $("film-note").className = "note error";
    $("film-note").textContent = error.message;
  }
  showList();
}

/** Restore the rest of a film that was stopped, by this server or an earlier one. */
async function goOn() {
  const film = picked();
  const job = await askJson(`/api/films/${film.id}/resume`, { method: "POST" });
  film.job = job.id;
  show();
}

async function jobsChanged(_all, changed) {
  const over = changed.filter((job) => ["film", "suggest"].includes(job.kind) && jobs.isOver(job));
  for (const job of over) {
    const film = films.find((each) => each.id === job.about.film);
    if (film && film.job === job.id) Object.assign(film, await askJson(`/api/films/${film.id}`));
  }
  show();
}
