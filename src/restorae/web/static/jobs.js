// The queue as the server has it: one listener for the whole page, and the panel that shows all jobs.

import { $, ask, askJson, duration, make, renew, safely } from "./tools.js";

const SHORTEST = 250;
const listeners = new Set();
let jobs = [];
let version = null;

export const all = () => jobs;
export const get = (id) => jobs.find((job) => job.id === id);
export const isOver = (job) => !["waiting", "running"].includes(job.state);

/** Call `listener` with all jobs, now and whenever something changes. */
export function listen(listener) {
  listeners.add(listener);
  listener(jobs);
}

export const stop = safely((id) => askJson(`/api/jobs/${id}/stop`, { method: "POST" }));
export const forget = safely((id) => ask(`/api/jobs/${id}`, { method: "DELETE" }));

/** How far a job is, in words. */
export function told(job) {
  if (job.state === "waiting") return job.position === 1 ? "waiting: next" : `waiting: ${job.position - 1} before it`;
  if (job.state === "running") {
    if (!job.total) return job.task ? `${job.count.toLocaleString("en")} ${job.unit}` : "starting …";
    const share = Math.min(1, job.count / job.total);
    const passed = Date.now() / 1000 - job.began;
    const left = share > 0.03 && passed > 3 ? `, about ${duration((passed / share) * (1 - share))} left` : "";
    return `${Math.floor(100 * share)} %${left}`;
  }
  if (job.state === "done") return `${job.kind === "train" ? "trained" : "restored"} in ${job.ended - job.began < 1 ? "under a second" : duration(job.ended - job.began)}`;
  return job.error || (job.state === "stopped" ? "cancelled" : "failed");
}

export function bar(job) {
  const shown = make("progress", { max: 1, "aria-label": `Progress of ${job.about.name}` });
  if (job.state === "waiting") shown.value = 0;
  else if (job.total) shown.value = Math.min(1, job.count / job.total);
  return shown;
}

function show() {
  const active = jobs.filter((job) => !isOver(job)).length;
  $("jobs-count").textContent = active;
  $("jobs-count").hidden = active === 0;
  $("jobs-button").setAttribute("aria-label", active ? `Jobs, ${active} active` : "Jobs");
  const panel = $("jobs");
  if (panel.hidden) return;
  renew(
    panel,
    jobs.length
      ? [...jobs].reverse().map((job) =>
          make("article", { "data-key": `${job.id}-${isOver(job)}` },
            make("header", {},
              make("strong", {}, `${job.kind === "train" ? "Train" : "Restore"} ${job.about.name}`),
              isOver(job)
                ? make("button", { class: "small quiet", onclick: () => forget(job.id), "aria-label": `Remove ${job.about.name} from the list` }, "Remove")
                : make("button", { class: "small", onclick: () => stop(job.id), "aria-label": `Stop ${job.about.name}` }, job.kind === "train" ? "Stop" : "Cancel"),
            ),
            isOver(job) ? null : bar(job),
            make("p", { class: job.state === "failed" ? "error" : "" }, told(job)),
          ))
      : [make("p", { class: "note" }, "No jobs. Jobs run one after the other, and continue when this page is closed.")],
  );
}

async function follow() {
  for (;;) {
    const began = Date.now();
    try {
      const query = version === null ? "" : `?since=${version}&wait=20`;
      const answer = await askJson(`/api/jobs${query}`);
      $("offline").hidden = true;
      // a server that was started anew counts from the beginning
      version = answer.version;
      jobs = answer.jobs;
      show();
      for (const listener of listeners) listener(jobs);
    } catch {
      $("offline").hidden = false;
      version = null;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    const rest = SHORTEST - (Date.now() - began);
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }
}

export function begin() {
  $("jobs-button").addEventListener("click", () => {
    $("jobs").hidden = !$("jobs").hidden;
    $("jobs-button").setAttribute("aria-expanded", String(!$("jobs").hidden));
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !$("jobs").hidden) $("jobs-button").click();
  });
  follow();
}
