// The list of models, the same for all pages.

import { askJson, fill, make } from "./tools.js";

let models = [];
const listeners = new Set();

export const get = (name) => models.find((model) => model.name === name);

export function listen(listener) {
  listeners.add(listener);
  if (models.length) listener(models);
}

export async function refresh() {
  models = await askJson("/api/models");
  for (const listener of listeners) listener(models);
}

/** Fill a select with the models that `fits` says; own ones first. `others` are choices before them: value and text. */
export function fillWith(select, fits, others = []) {
  const grouped = (origin) => models.filter((model) => model.origin === origin && !model.broken && fits(model)).map((model) => [model.name, model.name]);
  const groups = [["Yours", "folder"], ["Bundled", "bundled"], ["Classical methods", "classical"]];
  const entries = groups.map(([label, origin]) => ({ label, entries: grouped(origin) })).filter((group) => group.entries.length);
  fill(select, [...others, ...entries]);
}

/** The facts of a model's card as a list of terms. */
export function facts(model) {
  if (!model) return [];
  const scores = model.scores ?? {};
  const psnr = scores.restored?.psnr ? `${scores.degraded.psnr?.toFixed(2)} → ${scores.restored.psnr.toFixed(2)} dB PSNR` : "";
  const ssim = scores.restored?.ssim ? `, SSIM ${scores.restored.ssim.toFixed(3)}` : "";
  const rows = [
    ["About", model.about],
    ["Undoes", model.undoes],
    ["Learned from", model.data],
    ["Scores", psnr ? `${psnr}${ssim}, on ${scores.on}` : scores.elbo ? `ELBO ${scores.elbo.toFixed(1)} nats, on ${scores.on}` : ""],
    ["Network", model.network ? `${model.network}, ${model.parameters.toLocaleString("en")} parameters` : ""],
    ["Context", model.origin === "classical" ? "" : model.halo === null ? "the whole image" : `${model.halo} px around each pixel`],
    ["Licence", model.licence],
  ];
  return rows.filter(([, told]) => told).flatMap(([term, told]) => [make("dt", {}, term), make("dd", {}, told)]);
}
