// The queue as the server has it: one listener for the whole page, and the panel that shows all jobs.

import { $, ask, askJson, duration, make, renew, safely } from "./tools.js";

const SHORTEST = 250;
const listeners = new Set();
const restarts = new Set();
let jobs = new Map(); // id: job
let sorted = [];
let version = 0;
let server = "";
let pageTitle = "restorae";

export const all = () => sorted;
export const get = (id) => jobs.get(id);
export const isOver = (job) => !["waiting", "running"].includes(job.state);

/** Call `listener(jobs, changed, images)` now and whenever something changes; `images` is a number that grows with the gallery. */
export function listen(listener) {
  listeners.add(listener);
  listener(sorted, sorted, null);
}

/** Call `listener` when the server was started anew. */
export function onRestart(listener) {
  restarts.add(listener);
}

export function setTitle(title) {
  pageTitle = title;
  showTitle();
}

export const stop = safely((id) => askJson(`/api/jobs/${id}/stop`, { method: "POST" }));
export const stopAll = safely((lane) => askJson(`/api/jobs/stop${lane ? `?lane=${lane}` : ""}`, { method: "POST" }));
export const forget = safely((id) => ask(`/api/jobs/${id}`, { method: "DELETE" }));

/** The share that is done: by its units, or by the time that a training was given. */
function shareOf(job) {
  if (job.total) return Math.min(1, job.count / job.total);
  if (job.about.minutes && job.began) return Math.min(1, (Date.now() / 1000 - job.began) / 60 / job.about.minutes);
  return 0;
}

/** How far a job is, in words. */
export function told(job) {
  if (job.state === "waiting") return job.position <= 1 ? "waiting: next" : `waiting: ${(job.position - 1).toLocaleString("en")} before it`;
  if (job.state === "running") {
    if (job.stopping) return job.kind === "train" ? "stopping: a checkpoint is kept …" : "cancelling …";
    if (!job.total && job.about.minutes) return `${Math.floor(100 * shareOf(job))} %, ${job.count.toLocaleString("en")} ${job.unit || "steps"}${shareOf(job) < 1 ? `, about ${duration(60 * job.about.minutes * (1 - shareOf(job)))} left` : ", finishing: its errors are measured"}`;
    if (!job.total) return job.task ? `${job.count.toLocaleString("en")} ${job.unit}` : "starting …";
    const share = shareOf(job);
    const passed = Date.now() / 1000 - job.began;
    if (share >= 1) return job.kind === "train" ? "finishing: its errors are measured …" : "finishing …";
    const left = share > 0.03 && passed > 3 ? `, about ${duration((passed / share) * (1 - share))} left` : "";
    return `${Math.floor(100 * share)} %${left}`;
  }
  if (job.state === "done") return `${{ train: "trained", "find-defects": "searched", suggest: "compared" }[job.kind] ?? "restored"} in ${job.ended - job.began < 1 ? "under a second" : duration(job.ended - job.began)}`;
  return job.error || (job.state === "stopped" ? "Cancelled." : "failed");
}

export function bar(job) {
  const shown = make("progress", { max: 1, "aria-label": `Progress of ${job.about.name}` });
  if (job.state === "waiting") shown.value = 0;
  else if (job.total || job.about.minutes) shown.value = shareOf(job);
  return shown;
}

/**
 * The batch in progress: all images whose jobs follow each other since the queue was last empty.
 * @returns {{count: number, over: number, share: number, left: number | null} | null}
 */
export function batch() {
  const restoring = sorted.filter((job) => job.kind === "restore");
  const active = restoring.filter((job) => !isOver(job));
  if (!active.length) return null;
  const made = Math.min(...active.map((job) => job.made));
  const running = active.find((job) => job.state === "running");
  const since = running ? Math.min(made, running.made) : made;
  // jobs made together with those that wait, or while they waited
  const same = restoring.filter((job) => !isOver(job) || (job.ended ?? 0) >= since);
  const over = same.filter(isOver);
  const share = (over.length + (running ? shareOf(running) : 0)) / same.length;
  const began = Math.min(...same.map((job) => job.began ?? Infinity));
  const passed = Date.now() / 1000 - began;
  const left = Number.isFinite(passed) && passed > 3 && share > 0 && (over.length > 0 || share > 0.03) ? (passed / share) * (1 - share) : null;
  return { count: same.length, over: over.length, share, left };
}

function batchText(found) {
  const left = found.left === null ? "" : `, about ${duration(found.left)} left`;
  return found.count === 1 ? `Restoring: ${Math.floor(100 * found.share)} %${left}` : `${found.over.toLocaleString("en")} of ${found.count.toLocaleString("en")} images restored${left}`;
}

function showTitle() {
  const found = batch();
  document.title = found ? `${Math.floor(100 * found.share)} % · ${pageTitle}` : pageTitle;
}

const ROWS = 60;

function show() {
  const active = sorted.filter((job) => !isOver(job));
  $("jobs-count").textContent = active.length.toLocaleString("en");
  $("jobs-count").hidden = active.length === 0;
  $("jobs-button").setAttribute("aria-label", active.length ? `Jobs, ${active.length} active` : "Jobs");
  showTitle();
  const found = batch();
  $("batch").hidden = !found || found.count < 2;
  if (found) {
    $("batch-told").textContent = batchText(found);
    $("batch-bar").value = found.share;
  }
  if ($("jobs").hidden) return;
  const running = active.filter((job) => job.state === "running");
  const waiting = active.filter((job) => job.state === "waiting");
  const over = sorted.filter(isOver).reverse();
  const shown = [...running, ...waiting, ...over].slice(0, ROWS);
  const rest = sorted.length - shown.length;
  renew($("jobs-list"), [
    ...shown.map(row),
    ...(rest ? [make("p", { class: "note", "data-key": "rest" }, `and ${rest.toLocaleString("en")} more`)] : []),
    ...(shown.length ? [] : [make("p", { class: "note", "data-key": "none" }, "No jobs. Images and trainings have a queue each; both continue when this page is closed.")]),
  ]);
  $("cancel-all").hidden = !active.length;
  $("clear-jobs").hidden = !over.length;
}

function row(job) {
  const verb = { train: "Train", "find-defects": "Find defects in", suggest: "Find frames to colour in" }[job.kind] ?? "Restore";
  const name = `${verb} ${job.about.name}`;
  return make("article", { "data-key": `${job.id}-${isOver(job)}` },
    make("header", {},
      make("a", { href: { train: "#train", film: "#film", suggest: "#film" }[job.kind] ?? "#restore", onclick: () => job.about.image && window.dispatchEvent(new CustomEvent("pickimage", { detail: job.about.image })) }, name),
      isOver(job)
        ? make("button", { class: "small quiet", onclick: () => forget(job.id), "aria-label": `Remove ${job.about.name} from the list` }, "Remove")
        : make("button", { class: "small", onclick: () => stop(job.id), "aria-label": `Stop ${job.about.name}` }, job.kind === "train" ? "Stop" : "Cancel"),
    ),
    isOver(job) ? null : bar(job),
    make("p", { class: job.state === "failed" ? "error" : "" }, told(job)));
}

/** Places in the queue, counted from 1 in each lane. */
function place() {
  const places = {};
  for (const job of sorted) {
    if (job.state !== "waiting") job.position = 0;
    else job.position = places[job.lane] = (places[job.lane] ?? 0) + 1;
  }
}

function take(answer) {
  const isNew = server !== "" && answer.server !== server;
  if (answer.complete) jobs = new Map();
  for (const id of answer.removed) jobs.delete(id);
  for (const job of answer.jobs) jobs.set(job.id, job);
  server = answer.server;
  version = answer.version;
  sorted = [...jobs.values()].sort((one, other) => Number(one.id) - Number(other.id));
  place();
  if (isNew) for (const listener of restarts) listener();
  show();
  for (const listener of listeners) listener(sorted, answer.complete ? sorted : answer.jobs, answer.images);
}

async function follow() {
  for (;;) {
    const began = Date.now();
    try {
      const lost = $("offline").hidden === false;
      const wait = version && !lost ? 20 : 0;
      take(await askJson(`/api/jobs?since=${version}&server=${server}&wait=${wait}`));
      if (lost) {
        $("offline").hidden = true;
        window.dispatchEvent(new Event("reconnected"));
      }
    } catch (error) {
      if (error.status === undefined) console.error(error);
      $("offline").hidden = false;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1500);
        window.addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
      });
    }
    const rest = SHORTEST - (Date.now() - began);
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }
}

function open(shown) {
  $("jobs").hidden = !shown;
  $("jobs-button").setAttribute("aria-expanded", String(shown));
  show();
}

export function begin() {
  $("jobs-button").addEventListener("click", () => {
    open($("jobs").hidden);
    if (!$("jobs").hidden) $("jobs").focus();
  });
  $("cancel-all").addEventListener("click", () => stopAll());
  $("cancel-batch").addEventListener("click", () => stopAll("images"));
  $("clear-jobs").addEventListener("click", () => sorted.filter(isOver).forEach((job) => forget(job.id)));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || $("jobs").hidden) return;
    open(false);
    $("jobs-button").focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!$("jobs").hidden && !(/** @type {Element} */ (event.target).closest("#jobs, #jobs-button"))) open(false);
  });
  window.addEventListener("offline", () => { $("offline").hidden = false; });
  follow();
}
