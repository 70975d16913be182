// The list of images: thousands of them, of which only those that changed are drawn anew.

import * as jobs from "./jobs.js";
import { make, renew, size } from "./tools.js";

const FILTER_FROM = 20;
const WHOLE = 300; // a longer list has only the rows around those in view: thousands take the browser longer than the upload does
const AROUND = 60; // rows above and below the middle of what is in view
const MARGIN = 600; // pixels that are there beyond what is in view, before further rows are made
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
    this.shown = []; // the images that pass the filter
    this.from = 0; // the first of them that has a row
    this.gaps = [0, 1].map(() => make("li", { class: "gap", "aria-hidden": "true" })); // in place of the rows that are not there
    list.tabIndex = -1; // has the focus where the row that had it is gone
    list.addEventListener("scroll", () => this.scrolled(), { passive: true });
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
    this.shown = shown;
    const at = moved ? shown.findIndex((image) => keyOf(image) === current) : -1;
    const to = this.windowEnd();
    if (at >= 0 && (at < this.from || at >= to)) this.from = at - AROUND;
    this.draw();
    if (moved) this.rows.get(current)?.row.scrollIntoView({ block: "nearest" });
  }

  get isWhole() {
    return this.shown.length <= WHOLE;
  }

  windowEnd() {
    const count = this.shown.length;
    this.from = this.isWhole ? 0 : Math.max(0, Math.min(this.from, count - 2 * AROUND));
    return this.isWhole ? count : this.from + 2 * AROUND;
  }

  /** Make the rows of the images that have one, and remove all others. */
  draw() {
    const to = this.windowEnd();
    const kept = new Set();
    const focused = this.list.contains(document.activeElement);
    const wanted = this.shown.slice(this.from, to).map((image, index) => {
      const key = keyOf(image);
      kept.add(key);
      const row = this.row(image, key);
      if (this.isWhole) row.removeAttribute("aria-posinset");
      else row.setAttribute("aria-posinset", String(this.from + index + 1));
      if (this.isWhole) row.removeAttribute("aria-setsize");
      else row.setAttribute("aria-setsize", String(this.shown.length));
      return row;
    });
    for (const [key, { row }] of this.rows) {
      if (kept.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    for (const [gap, hidden] of [[this.gaps[0], this.from], [this.gaps[1], this.shown.length - to]]) {
      gap.hidden = !hidden;
      gap.style.setProperty("--hidden", String(hidden));
    }
    if (!this.isWhole) wanted.splice(0, wanted.length, this.gaps[0], ...wanted, this.gaps[1]);
    else for (const gap of this.gaps) gap.remove();
    let place = this.list.firstChild;
    for (const row of wanted) {
      if (place === row) place = place.nextSibling;
      else this.list.insertBefore(row, place);
    }
    if (focused && !this.list.contains(document.activeElement)) this.list.focus({ preventScroll: true });
  }

  /** Rows that come into view are made, before they do. */
  scrolled() {
    if (this.isWhole) return;
    const box = this.list.getBoundingClientRect();
    const lies = getComputedStyle(this.list).flexDirection === "row" && getComputedStyle(this.list).display === "flex"; // as on a phone
    const [start, end] = lies ? ["left", "right"] : ["top", "bottom"];
    const rows = [...this.list.querySelectorAll("li:not(.gap)")].map((row) => row.getBoundingClientRect());
    const isShort = this.from > 0 && rows[0][start] > box[start] - MARGIN;
    const isShortAfter = this.windowEnd() < this.shown.length && rows.at(-1)[end] < box[end] + MARGIN;
    if (!isShort && !isShortAfter) return;
    const middle = (box[start] + box[end]) / 2;
    const seen = rows.findIndex((row) => row[start] <= middle && row[end] >= middle);
    const size = rows[1][start] - rows[0][start];
    const first = rows[0][start] - middle; // far beyond them after a jump: the place says which row it would be
    this.from = (seen >= 0 ? this.from + seen : Math.round(this.from - first / size)) - AROUND;
    this.draw();
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
    const key = event.target.closest("li")?.dataset.id ?? this.current;
    const index = this.shown.findIndex((image) => keyOf(image) === key);
    if (index < 0) return;
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: this.shown.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const { id } = this.shown[Math.min(this.shown.length - 1, Math.max(0, next))];
      if (id) {
        this.asked.pick(id);
        /** @type {HTMLElement | null | undefined} */ (this.rows.get(id)?.row.querySelector(".pick"))?.focus();
      }
    } else if (event.key === "Delete") {
      event.preventDefault();
      this.asked.remove(key);
    }
  }

  /** Put the focus on the image in view, for instance after another one was removed. */
  focus() {
    (this.rows.get(this.current)?.row.querySelector("button") ?? document.getElementById("files")).focus();
  }
}
