// The list of images: thousands of them, of which only those that changed are drawn anew.

import * as jobs from "./jobs.js";
import { make, renew, size } from "./tools.js";

const FILTER_FROM = 20;
const COUNTED = 30; // so many waiting images say how many are before them

export const keyOf = (image) => image.id ?? image.key;
export const jobOf = (image) => (image?.job ? jobs.get(image.job) : null);
export const isBusy = (image) => { const job = jobOf(image); return Boolean(job && !jobs.isOver(job)); };

/** `waiting`, `restored`, `failed` or ``: what the filter goes by. */
function stateOf(image) {
  const job = jobOf(image);
  if (image.refused || job?.state === "failed") return "failed";
  if (image.sending || isBusy(image)) return "waiting";
  return image.result ? "restored" : "";
}

/** The state of an image in words. */
export function told(image) {
  const job = jobOf(image);
  if (image.refused) return image.refused;
  if (image.sending) return image.sent === undefined ? "waiting to be sent" : `sending: ${Math.round(100 * image.sent)} %`;
  if (job?.state === "waiting" && job.position > COUNTED) return "waiting"; // else a thousand rows change with each image
  if (job && (!jobs.isOver(job) || job.state === "failed")) return jobs.told(job);
  if (image.result && image.results.at(-1).unchanged) return "no noise found, unchanged";
  if (image.result) return image.results.at(-1).saved ? `restored, saved as ${image.results.at(-1).saved}` : "restored";
  if (job?.state === "stopped") return "Cancelled.";
  return `${image.width} × ${image.height}, ${size(image.bytes)}`;
}

export class ImageList {
  /**
   * @param {HTMLElement} list
   * @param {HTMLSelectElement} filter
   * @param {{pick: (key: string) => void, remove: (key: string) => void, again: (key: string) => void}} asked
   */
  constructor(list, filter, asked) {
    this.list = list;
    this.filter = filter;
    this.asked = asked;
    this.rows = new Map(); // key: {row, state}
    filter.addEventListener("change", () => this.show(this.images, this.current));
    list.addEventListener("keydown", (event) => this.key(event));
  }

  show(images, current) {
    const moved = current !== this.current;
    this.images = images;
    this.current = current;
    const waiting = { waiting: 0, restored: 0, failed: 0 };
    for (const image of images) { const state = stateOf(image); if (state) waiting[state] += 1; }
    this.filter.closest("div").hidden = images.length < FILTER_FROM;
    const chosen = images.length < FILTER_FROM ? "" : this.filter.value;
    const names = { "": `all ${images.length}`, waiting: `waiting ${waiting.waiting}`, restored: `restored ${waiting.restored}`, failed: `failed ${waiting.failed}` };
    for (const option of this.filter.options) option.textContent = names[option.value];
    const shown = chosen ? images.filter((image) => stateOf(image) === chosen) : images;
    const kept = new Set();
    let before = null;
    for (const image of shown) {
      const key = keyOf(image);
      kept.add(key);
      const row = this.row(image, key);
      const place = before ? before.nextSibling : this.list.firstChild;
      if (place !== row) this.list.insertBefore(row, place);
      before = row;
    }
    for (const [key, { row }] of this.rows) {
      if (kept.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    if (moved) this.rows.get(current)?.row.scrollIntoView({ block: "nearest" });
  }

  row(image, key) {
    const job = jobOf(image);
    const active = isBusy(image);
    const here = key === this.current;
    const text = told(image);
    const failed = stateOf(image) === "failed";
    const state = JSON.stringify([image.id, image.name, image.folder, here, active, text, failed, image.sent, job?.count]);
    const known = this.rows.get(key);
    if (known?.state === state) return known.row;
    const sending = image.sending ? make("progress", { max: 1, value: image.sent ?? 0, "aria-label": `Sending ${image.name}` }) : null;
    const words = make("span", { class: "text" },
      make("span", { class: "name", title: image.folder ? `${image.folder}/${image.name}` : image.name }, make("span", { class: "start" }, image.name.slice(0, -10)), make("span", { class: "end" }, image.name.slice(-10))),
      active ? jobs.bar(job) : sending,
      make("span", { class: failed ? "told error" : "told" }, text));
    const thumbnail = image.id ? make("img", { src: `/api/images/${image.id}/thumbnail.png`, alt: "", loading: "lazy" }) : null;
    const button = active
      ? make("button", { class: "quiet small", tabindex: "-1", onclick: () => jobs.stop(image.job), "aria-label": `Cancel ${image.name}` }, "Cancel")
      : make("button", { class: "quiet small", tabindex: "-1", onclick: () => this.asked.remove(key), "aria-label": `Remove ${image.name}` }, "✕");
    const again = image.refused && image.file ? make("button", { class: "quiet small", onclick: () => this.asked.again(key) }, "Try again") : null;
    const row = make("li", { class: here ? "current" : "", "data-id": key, "data-key": `${key}-${active}-${Boolean(image.id)}-${Boolean(again)}` },
      image.id
        ? make("button", { class: "pick", "aria-pressed": String(here), tabindex: here ? "0" : "-1", onclick: () => this.asked.pick(key) }, thumbnail, words)
        : make("div", { class: "pick" }, words),
      again, button);
    if (known && known.row.dataset.key === row.dataset.key) {
      for (const { name, value } of row.attributes) known.row.setAttribute(name, value);
      renew(known.row, [...row.childNodes]);
      known.state = state;
      return known.row;
    }
    if (known) {
      const focused = known.row.contains(document.activeElement);
      known.row.replaceWith(row);
      if (focused) row.querySelector("button")?.focus();
    }
    this.rows.set(key, { row, state });
    return row;
  }

  /** One tab stop for all images: arrows go on, Delete removes. */
  key(event) {
    const row = event.target.closest("li");
    if (!row) return;
    const rows = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const index = rows.indexOf(row);
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const target = rows[Math.min(rows.length - 1, Math.max(0, next))];
      const pick = target.querySelector("button.pick");
      if (pick) {
        this.asked.pick(target.dataset.id);
        this.rows.get(target.dataset.id)?.row.querySelector(".pick").focus();
      }
    } else if (event.key === "Delete") {
      event.preventDefault();
      this.asked.remove(row.dataset.id);
    }
  }

  /** Put the focus on the image in view, for instance after another one was removed. */
  focus() {
    (this.rows.get(this.current)?.row.querySelector("button") ?? document.getElementById("files")).focus();
  }
}
