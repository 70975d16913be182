// The mask: strokes of a brush with undo and redo, mask files, and defects that a model found.

import { $, ask, askJson, safely, say } from "./tools.js";

const LONGEST = 2048; // pixels along the longer side of what is shown of a mask file

/** The mask of one image. What is painted here counts; the server is told, and never takes a stroke back. */
class Mask {
  constructor(image) {
    this.strokes = image.strokes;
    this.isOpen = image.mask_file;
    this.version = image.mask_version;
    this.past = [];
    this.future = [];
    this.picture = null;
    this.saving = 0;
  }
}

export class MaskTools {
  /**
   * @param viewer shows the mask
   * @param {{image: () => any, changed: () => void}} page the image in view; called after changes
   */
  constructor(viewer, page) {
    this.viewer = viewer;
    this.page = page;
    this.masks = new Map(); // image: Mask
    this.tool = "brush";
    this.queue = Promise.resolve();
    for (const tool of ["brush", "eraser", "hand"]) $(tool).addEventListener("click", () => { this.tool = tool; this.show(); });
    $("brush-size").addEventListener("input", () => this.show());
    $("undo").addEventListener("click", () => this.step("past", "future"));
    $("redo").addEventListener("click", () => this.step("future", "past"));
    $("clear-mask").addEventListener("click", safely(() => this.clear()));
    $("mask-file").addEventListener("change", safely(() => this.takeFile()));
    $("show-mask").addEventListener("change", () => { viewer.maskShown = $("show-mask").checked; viewer.redraw(); });
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || $("paint-tools").hidden || /** @type {Element} */ (event.target).matches("input:not([type=range]):not([type=checkbox]), textarea")) return;
      const key = event.key.toLowerCase();
      if (key === "z" || key === "y") {
        event.preventDefault();
        if (key === "y" || event.shiftKey) this.step("future", "past");
        else this.step("past", "future");
      }
    });
    $("viewer").addEventListener("keydown", (event) => {
      if ($("paint-tools").hidden || !["[", "]"].includes(event.key)) return;
      $("brush-size").value = String(Number($("brush-size").value) + (event.key === "]" ? 3 : -3));
      this.show();
    });
  }

  get current() {
    const image = this.page.image();
    return image ? this.of(image) : null;
  }

  /** The mask of an image; the server's, where nothing is on its way to it and it has changed elsewhere. */
  of(image) {
    const known = this.masks.get(image.id);
    if (!known || (known.saving === 0 && image.mask_version > known.version)) {
      const mask = new Mask(image);
      this.masks.set(image.id, mask);
      if (image.mask_file) safely(() => this.load(image, mask))();
      return mask;
    }
    return known;
  }

  /** Whether an image has a mask, painted or not. */
  has(image) {
    const mask = this.masks.get(image.id);
    return mask?.saving ? mask.strokes.length > 0 || mask.isOpen : image.mask;
  }

  /** Show the tools, or hide them and the paint. */
  setShown(shown) {
    $("paint-tools").hidden = !shown;
    this.show();
  }

  show() {
    const shown = !$("paint-tools").hidden;
    const mask = this.current;
    for (const each of ["brush", "eraser", "hand"]) $(each).setAttribute("aria-pressed", String(each === this.tool));
    $("undo").disabled = !mask?.past.length;
    $("redo").disabled = !mask?.future.length;
    $("clear-mask").disabled = !mask || !(mask.strokes.length || mask.isOpen);
    const painting = shown && mask && this.tool !== "hand" ? { radius: Number($("brush-size").value), erase: this.tool === "eraser" } : null;
    this.viewer.setMask(mask?.strokes ?? [], mask?.picture ?? null);
    this.viewer.setPainting(painting, shown);
  }

  add(stroke) {
    const mask = this.current;
    if (mask) this.change(mask, [...mask.strokes, stroke]);
  }

  change(mask, strokes) {
    mask.past.push({ strokes: mask.strokes, isOpen: mask.isOpen, picture: mask.picture, blob: mask.blob });
    mask.future = [];
    mask.strokes = strokes;
    this.show();
    this.save(this.page.image(), mask);
  }

  step(from, to) {
    const mask = this.current;
    if (!mask?.[from].length) return;
    mask[to].push({ strokes: mask.strokes, isOpen: mask.isOpen, picture: mask.picture, blob: mask.blob });
    const before = mask.isOpen;
    Object.assign(mask, mask[from].pop());
    this.show();
    this.save(this.page.image(), mask, before !== mask.isOpen);
  }

  /** Tell the server, one request after the other: the last one that arrives is the last that was made. */
  save(image, mask, file = false) {
    mask.saving += 1;
    const { strokes, isOpen, blob } = mask;
    this.queue = this.queue.then(safely(async () => {
      try {
        const path = `/api/images/${image.id}/mask`;
        let answered = null;
        if (file) answered = isOpen ? await askJson(path, { method: "POST", body: blob }) : await askJson(path, { method: "DELETE" });
        if (strokes.length || !file) answered = await askJson(path, { method: "PUT", json: { strokes } });
        mask.version = answered.mask_version;
        image.mask = answered.mask;
        image.mask_version = answered.mask_version;
      } finally {
        mask.saving -= 1;
      }
      if (mask.saving === 0) this.page.changed();
    }));
    return this.queue;
  }

  async clear() {
    const mask = this.current;
    if (!mask) return;
    const image = this.page.image();
    mask.past.push({ strokes: mask.strokes, isOpen: mask.isOpen, picture: mask.picture, blob: mask.blob });
    mask.future = [];
    Object.assign(mask, { strokes: [], isOpen: false, picture: null });
    this.show();
    await this.save(image, mask, true);
  }

  async takeFile() {
    const [file] = $("mask-file").files;
    $("mask-file").value = "";
    const image = this.page.image();
    if (!file || !image) return;
    this.found(image, await askJson(`/api/images/${image.id}/mask`, { method: "POST", body: file }));
    say("The mask was loaded.");
  }

  /** The server has a new mask for an image, of a file or found by a model. */
  found(image, answered) {
    const before = this.of(image);
    Object.assign(image, answered);
    const mask = new Mask(image);
    mask.past = [...before.past, { strokes: before.strokes, isOpen: before.isOpen, picture: before.picture, blob: before.blob }];
    this.masks.set(image.id, mask);
    safely(() => this.load(image, mask))();
    this.show();
    this.page.changed();
  }

  /** Fetch the image of a mask file, and colour it. */
  async load(image, mask) {
    const answer = await ask(`/api/images/${image.id}/mask-file.png?v=${image.mask_version}`);
    mask.blob = await answer.blob();
    const share = Math.min(1, LONGEST / Math.max(image.width, image.height));
    const bitmap = await createImageBitmap(mask.blob, { resizeWidth: Math.max(1, Math.round(image.width * share)), resizeHeight: Math.max(1, Math.round(image.height * share)) });
    const sheet = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    const ink = sheet.getContext("2d", { willReadFrequently: true });
    ink.drawImage(bitmap, 0, 0);
    const pixels = ink.getImageData(0, 0, sheet.width, sheet.height);
    const colour = getComputedStyle($("viewer")).getPropertyValue("--mask").trim();
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data.set([red, green, blue, pixels.data[at]], at);
    ink.putImageData(pixels, 0, 0);
    mask.picture = sheet;
    this.show();
  }
}
