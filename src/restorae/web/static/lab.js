// The damage lab: a chain of damages whose sliders are made from their JSON schemas, and what it does to an image.

import * as models from "./models.js";
import { $, askJson, copyText, fill, make, newest, number, say } from "./tools.js";

const OPEN_ENDED = 4; // a setting without an upper bound has a slider up to this many times its default
let kinds = [];
let links = []; // {kind, settings: {name: value | "low..high"}}
let seed = 0;
let spec = "";

export const currentSpec = () => spec;

export async function begin() {
  kinds = await askJson("/api/degradations");
  fill($("add-damage"), kinds.map((kind) => [kind.kind, kind.kind]), "gaussian-noise");
  links = remembered() ?? [{ kind: "gaussian-noise", settings: { sigma: 0.15 } }];
  $("add").addEventListener("click", () => {
    links.push({ kind: $("add-damage").value, settings: {} });
    changed();
    $("chain").lastElementChild?.scrollIntoView({ block: "nearest" });
  });
  $("draw-anew").addEventListener("click", () => { seed += 1; run(); });
  $("lab-image").addEventListener("change", run);
  $("lab-model").addEventListener("change", run);
  $("lab-train").addEventListener("click", () => { $("train-damage").value = spec; });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]"))) button.addEventListener("click", () => copyText($(button.dataset.copy)));
  magnify();
  models.listen(() => {
    const first = $("lab-model").options.length === 0;
    models.fillWith($("lab-model"), (model) => model.restores && !model.needs_mask, [["", "nothing"]]);
    if (first && models.get("photo-denoiser")) $("lab-model").value = "photo-denoiser";
    run();
  });
  await shown();
  showChain();
}

/** The page is shown: images may have been added meanwhile. */
export async function shown() {
  const [samples, images] = await Promise.all([askJson("/api/samples"), askJson("/api/images")]);
  const own = images.map((image) => [`image ${image.id}`, image.name]);
  const along = samples.map((sample) => [`sample ${sample.name}`, sample.about]);
  const chosen = $("lab-image").value || "sample astronaut";
  fill($("lab-image"), [...(own.length ? [{ label: "Yours", entries: own }] : []), { label: "Samples", entries: along }], chosen);
  run();
}

/** Single pixels of all three images at once, where the pointer is on any of them. */
function magnify() {
  const button = $("lab-zoom");
  const at = { x: 50, y: 50 };
  const show = () => {
    const on = button.getAttribute("aria-pressed") === "true";
    $("trio").classList.toggle("magnified", on);
    for (const axis of ["x", "y"]) $("trio").style.setProperty(`--at-${axis}`, `${Math.min(100, Math.max(0, at[axis]))}%`);
  };
  button.addEventListener("click", () => { button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true")); show(); });
  button.addEventListener("keydown", (event) => {
    const [axis, step] = { ArrowLeft: ["x", -5], ArrowRight: ["x", 5], ArrowUp: ["y", -5], ArrowDown: ["y", 5] }[event.key] ?? [];
    if (!axis) return;
    event.preventDefault();
    at[axis] += step;
    show();
  });
  $("trio").addEventListener("pointermove", (event) => {
    const box = /** @type {Element} */ (event.target).closest(".lens")?.getBoundingClientRect();
    if (!box) return;
    at.x = (100 * (event.clientX - box.left)) / box.width;
    at.y = (100 * (event.clientY - box.top)) / box.height;
    show();
  });
}

function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem("chain"));
    return Array.isArray(found) && found.every((link) => kinds.some((kind) => kind.kind === link.kind)) ? found : null;
  } catch {
    return null;
  }
}

function changed() {
  localStorage.setItem("chain", JSON.stringify(links));
  showChain();
  run();
}

const run = newest(async () => {
  const [where, name] = $("lab-image").value.split(" ");
  if (!where || !kinds.length) return;
  if (!links.length) {
    $("lab-note").textContent = "No damage yet. Add one.";
    $("lab-stage").classList.add("nothing");
    return;
  }
  const json = { links: links.map((link) => ({ kind: link.kind, ...link.settings })), seed, [where]: name, model: $("lab-model").value || null };
  $("trio").classList.add("busy");
  $("lab-stage").classList.remove("nothing");
  try {
    const found = await askJson("/api/experiments", { method: "POST", json });
    await Promise.all(Object.entries(found.images).map(([which, path]) => showImage(which, path)));
    $("trio").style.setProperty("--shape", String(found.size[1] / found.size[0]));
    $("lab-restored-figure").hidden = !found.images.restored;
    for (const which of ["degraded", "restored"]) $(`lab-${which}-scores`).textContent = scoreText(found.scores[which]);
    showGain(found.scores);
    spec = found.spec;
    $("lab-spec").textContent = found.spec;
    $("lab-command").textContent = found.command;
    $("lab-seed").value = String(seed);
    $("lab-note").className = "note";
  } catch (error) {
    $("lab-note").textContent = error.message;
    $("lab-note").className = "note error";
  } finally {
    $("trio").classList.remove("busy");
  }
});

async function showImage(which, path) {
  const image = $(`lab-${which}`);
  image.src = path;
  await image.decode().catch(() => {});
}

/** How much better or worse the restored image is, and a word where it is worse. */
function showGain({ degraded, restored }) {
  const gain = restored && restored.psnr !== null && degraded.psnr !== null ? restored.psnr - degraded.psnr : null;
  $("lab-gain").textContent = gain === null ? "" : `${gain >= 0 ? "+" : "−"}${Math.abs(gain).toFixed(1)} dB`;
  $("lab-gain").className = gain !== null && gain < 0 ? "worse" : "better";
  $("lab-note").textContent = gain !== null && gain < 0 ? "The model made it worse: it was not trained on this damage, or on such images." : "";
}

function scoreText(scores) {
  if (!scores) return "";
  const psnr = scores.psnr === null ? "∞" : scores.psnr.toFixed(2);
  return `PSNR ${psnr} dB${scores.ssim === null ? "" : `, SSIM ${scores.ssim.toFixed(3)}`}`;
}

// ------------------------------------------------------------------------------------------------- the chain

function showChain() {
  const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset?.key;
  $("chain").replaceChildren(...links.map(linkCard));
  if (focused) $("chain").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function linkCard(link, index) {
  const kind = kinds.find((each) => each.kind === link.kind);
  const moved = (by) => () => {
    const [taken] = links.splice(index, 1);
    links.splice(index + by, 0, taken);
    changed();
    say(`${link.kind} is now number ${index + by + 1} of ${links.length}.`);
  };
  const settings = Object.entries(kind.schema.properties ?? {}).map(([name, schema]) => setting(link, index, name, schema));
  const card = make("li", { class: "link", draggable: "true" },
    make("header", {},
      make("h3", {}, link.kind),
      make("button", { class: "quiet", disabled: index === 0, "data-key": `up-${index}`, onclick: moved(-1), "aria-label": `Move ${link.kind} up` }, "↑"),
      make("button", { class: "quiet", disabled: index === links.length - 1, "data-key": `down-${index}`, onclick: moved(1), "aria-label": `Move ${link.kind} down` }, "↓"),
      make("button", { class: "quiet", onclick: () => { links.splice(index, 1); changed(); }, "aria-label": `Remove ${link.kind}` }, "✕")),
    make("p", { class: "about" }, kind.about),
    ...settings);
  dragging(card, index);
  return card;
}

let dragged = null;

function dragging(card, index) {
  const below = (event) => {
    const edges = card.getBoundingClientRect();
    return event.clientY > edges.top + edges.height / 2;
  };
  card.addEventListener("dragstart", (event) => {
    if (event.target !== card) return;
    dragged = index;
    card.classList.add("moving");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", links[index].kind);
  });
  card.addEventListener("dragend", () => { dragged = null; showChain(); });
  card.addEventListener("dragover", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    card.classList.toggle("below", below(event));
    card.classList.toggle("above", !below(event));
  });
  card.addEventListener("dragleave", () => card.classList.remove("above", "below"));
  card.addEventListener("drop", (event) => {
    if (dragged === null) return;
    event.preventDefault();
    const target = index + (below(event) ? 1 : 0);
    const [taken] = links.splice(dragged, 1);
    links.splice(target > dragged ? target - 1 : target, 0, taken);
    dragged = null;
    changed();
  });
}

/** A control for one setting, made from its JSON schema. */
function setting(link, index, name, schema) {
  const id = `setting-${index}-${name}`;
  const said = schema.description ?? "";
  const value = link.settings[name] ?? schema.default;
  const set = (next, whole = false) => {
    link.settings[name] = next;
    localStorage.setItem("chain", JSON.stringify(links));
    if (whole) showChain();
    run();
  };
  const words = name.replaceAll("_", " ");
  if (schema.enum) {
    const select = make("select", { id, "data-key": id, onchange: () => set(select.value) });
    fill(select, schema.enum.map((each) => [each, each]), value);
    return make("div", { class: "setting", title: said }, make("label", { for: id }, words), select);
  }
  if (schema.type === "boolean") {
    const box = make("input", { id, type: "checkbox", checked: value === true, "data-key": id, onchange: () => set(box.checked) });
    return make("div", { class: "setting", title: said }, make("label", { for: id }, words), box);
  }
  const types = schema.anyOf ?? [schema];
  const whole = types.some((each) => each.type === "integer") && !types.some((each) => each.type === "number");
  const numeric = whole || types.some((each) => each.type === "number");
  if (!numeric) {
    const box = make("input", { id, value: String(value ?? ""), "data-key": id, onchange: () => set(box.value) });
    return make("div", { class: "setting", title: said }, make("label", { for: id }, words), box);
  }
  return slider({ id, words, said, value, schema, whole, ranged: types.some((each) => each.$ref?.endsWith("/Range")), set });
}

function slider({ id, words, said, value, schema, whole, ranged, set }) {
  const [min, max] = bounds(schema, whole, value);
  const step = whole ? 1 : (max - min) / 200;
  const ends = typeof value === "string" && value.includes("..") ? value.split("..").map(Number) : [Number(value)];
  const told = make("span", { class: "value" });
  const tell = () => { told.textContent = ends.map((end) => number(end, 3)).join(" to "); };
  const inputs = ends.map((end, side) => {
    const input = make("input", { type: "range", id: side ? `${id}-high` : id, min, max, step, value: String(end), "data-key": side ? `${id}-high` : id, "aria-label": ends.length > 1 ? `${words}, ${side ? "to" : "from"}` : words });
    input.addEventListener("input", () => {
      ends[side] = whole ? Math.round(input.value) : rounded(Number(input.value), step);
      if (ends.length > 1 && ends[0] > ends[1]) {
        ends[1 - side] = ends[side];
        inputs[1 - side].value = String(ends[side]);
      }
      tell();
      set(ends.length > 1 ? `${ends[0]}..${ends[1]}` : ends[0]);
    });
    return input;
  });
  tell();
  const toggle = ranged
    ? make("button", { class: "quiet", "data-key": `${id}-range`, title: "A range is sampled once per image", "aria-label": `${words}: ${ends.length > 1 ? "one value" : "a range"}`,
        onclick: () => set(ends.length > 1 ? ends[0] : `${ends[0]}..${whole ? Math.min(max, ends[0] + 1) : rounded(Math.min(max, ends[0] + (max - min) / 5), step)}`, true) }, ends.length > 1 ? "one value" : "a range")
    : null;
  return make("div", { class: "setting", title: said }, make("label", { for: id }, words), told, make("div", { class: "both" }, ...inputs, toggle));
}

function bounds(schema, whole, value) {
  const usual = Math.abs(Number(schema.default)) || 0.25;
  const largest = Math.max(usual, ...String(value).split("..").map((end) => Math.abs(Number(end)) || 0));
  const open = whole ? Math.max(10, OPEN_ENDED * usual) : Math.max(1, OPEN_ENDED * usual);
  const high = Math.max(largest, Math.min(schema.maximum ?? Infinity, open));
  const low = Math.max(schema.minimum ?? -Math.max(1, usual), schema.minimum ?? -Infinity);
  return [low, high];
}

function rounded(value, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  return Number(value.toFixed(Math.min(digits, 6)));
}
