// The list of models, the same for all pages, in words for people.

import { askJson, fill, make } from "./tools.js";

const GROUPS = [["For your images", "images"], ["Trained here", "yours"], ["For the lesson", "lesson"], ["Without learning", "classical"]];
let models = [];
const listeners = new Set();

export const get = (name) => models.find((model) => model.name === name);

/** What people call a model. */
export const title = (name) => get(name)?.title ?? name;

export function listen(listener) {
  listeners.add(listener);
  if (models.length) listener(models);
}

export async function refresh() {
  models = await askJson("/api/models");
  for (const listener of listeners) listener(models);
}

/** Fill a select with the models that `fits` says, in groups. `others` are choices before them: value and text. */
export function fillWith(select, fits, others = []) {
  const entries = GROUPS.map(([label, group]) => ({
    label,
    entries: models.filter((model) => model.group === group && !model.broken && fits(model)).map((model) => [model.name, model.title]),
  }));
  fill(select, [...others, ...entries.filter((group) => group.entries.length)]);
}

/** Whether a model was made for other images than this one: small digits, not photographs. */
export function isForOthers(model, image) {
  return Boolean(model?.made_for_side && image && Math.max(image.width, image.height) > model.made_for_side);
}

/** The facts of a model's card as a list of terms: first what people ask, then details. */
export function facts(model) {
  if (!model) return [];
  const scores = model.scores ?? {};
  const psnr = scores.restored?.psnr ? `${scores.degraded.psnr?.toFixed(1)} → ${scores.restored.psnr.toFixed(1)} dB PSNR` : "";
  const ssim = scores.restored?.ssim ? `, SSIM ${scores.restored.ssim.toFixed(3)}` : "";
  const first = [
    ["About", model.about],
    ["Scores", psnr ? `${psnr}${ssim}, on ${scores.on}` : scores.elbo ? `ELBO ${scores.elbo.toFixed(1)} nats, on ${scores.on}` : ""],
  ];
  const details = [
    ["Name", model.name],
    ["Undoes", model.undoes],
    ["Learned from", model.data],
    ["Network", model.network ? `${model.network}, ${model.parameters.toLocaleString("en")} parameters` : ""],
    ["Context", model.origin === "classical" ? "" : model.halo === null ? "the whole image" : `${model.halo} px around each pixel`],
    ["Licence", model.licence],
  ];
  const list = (rows) => make("dl", {}, rows.filter(([, told]) => told).flatMap(([term, told]) => [make("dt", {}, term), make("dd", {}, told)]));
  return [list(first), make("details", {}, make("summary", {}, "Details"), list(details))];
}
