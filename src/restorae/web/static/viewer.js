// The viewer: shows images of any size by tiles, before and after under one zoom, and takes brush strokes.

import { make } from "./tools.js";

const TILE = 512;
const KEPT = 400;
const LARGEST = 64;
const OVERLAY = "#ffb000";
const MARGIN = 16;

export class Viewer {
  /**
   * @param {HTMLElement} box
   * @param {{onzoom?: (scale: number) => void, onstroke?: (stroke: object) => void, onpoint?: (point: object | null) => void}} hears
   */
  constructor(box, { onzoom = (_scale) => {}, onstroke = (_stroke) => {}, onpoint = (_point) => {} } = {}) {
    this.box = box;
    this.onzoom = onzoom;
    this.onstroke = onstroke;
    this.onpoint = onpoint;
    this.canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": "Image. Arrow keys move, plus and minus zoom, 0 fits, 1 shows single pixels, B shows all before, A all after, holding Space shows before, M the mask." });
    this.handle = make("div", { class: "handle", role: "slider", tabindex: "0", "aria-label": "Before to the left, after to the right", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "50", "aria-valuetext": "50 % before", hidden: true });
    this.left = make("span", { class: "tag left", hidden: true }, "before");
    this.right = make("span", { class: "tag right", hidden: true }, "after");
    this.busy = make("span", { class: "spinner corner", "aria-hidden": "true", hidden: true });
    box.append(this.canvas, this.handle, this.left, this.right, this.busy);
    this.context = this.canvas.getContext("2d");
    this.tiles = new Map();
    this.image = null;
    this.preview = null; // {tile(column, row), done}: parts of the result, as they come
    this.sides = { left: "before", right: "after" };
    this.overlay = "";
    this.mode = "slider";
    this.split = 0.5;
    this.scale = 1;
    this.x = this.y = 0; // centre of the view, in pixels of the image
    this.fitted = true;
    this.painting = null;
    this.strokes = [];
    this.maskImage = null; // of a file, or found by a model
    this.maskShown = true;
    this.peek = false; // Space is held: before everywhere
    this.pointer = null;
    this.probe = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    this.stroke = null; // the one being painted
    this.sheet = make("canvas"); // strokes and overlays are drawn here first
    this.frame = null; // the animation frame in which the view is redrawn
    this.missing = 0; // tiles that have not come yet
    new ResizeObserver(() => this.resize()).observe(box);
    this.listen();
  }

  /** Look at an image (what the server says of it); the view is kept if it is the same one. */
  show(image) {
    const same = image && this.image?.id === image.id && this.image.page === image.page;
    this.image = image;
    if (!same) {
      this.preview = null;
      this.overlay = "";
      if (image) this.fit();
    }
    this.redraw();
  }

  /** Which layers are compared: `before`, `preview`, `after` or a numbered result, `after-2`. */
  setSides(left, right) {
    this.sides = { left, right };
    this.redraw();
  }

  /** Parts of a result that is not there yet; null: there is no preview. */
  setPreview(preview) {
    this.preview = preview;
    this.redraw();
  }

  /** The mask: strokes, and the image of a mask file below them. */
  setMask(strokes, maskImage = this.maskImage) {
    this.strokes = strokes;
    this.maskImage = maskImage;
    this.redraw();
  }

  has(layer) {
    if (!this.image) return false;
    if (layer === "preview") return Boolean(this.preview);
    return layer === "before" || (layer === "after" ? this.image.layers.includes("after") : this.image.results.some((each) => layer === `after-${each.number}`));
  }

  get compared() {
    return Boolean(this.image && this.has(this.sides.right));
  }

  get panes() {
    const { width, height } = this.canvas;
    if (this.mode === "side" && this.compared) {
      const half = Math.floor(width / 2);
      return [{ layer: this.sides.left, left: 0, width: half - 1, height }, { layer: this.sides.right, left: half + 1, width: width - half - 1, height }];
    }
    return [{ layer: this.sides.left, left: 0, width, height }];
  }

  fit() {
    if (!this.image) return;
    const { width, height } = this.image;
    const pane = this.panes[0];
    const margin = 2 * MARGIN * (window.devicePixelRatio || 1);
    const room = (side) => Math.max(side / 2, side - margin);
    this.scale = Math.min(room(pane.width) / width, room(pane.height) / height) || 1;
    if (Math.max(width, height) * this.scale > 64 && this.scale > 16) this.scale = 16;
    this.x = width / 2;
    this.y = height / 2;
    this.fitted = true;
    this.redraw();
  }

  /** Zoom by a factor, about a point of the canvas, by default its center. */
  zoom(factor, at = null) {
    if (!this.image) return;
    const pane = this.panes[0];
    const center = at ?? { x: pane.width / 2, y: pane.height / 2 };
    const before = this.scale;
    const smallest = Math.min(1, (pane.width / this.image.width) * 0.2, (pane.height / this.image.height) * 0.2);
    this.scale = Math.min(LARGEST, Math.max(smallest, this.scale * factor));
    const dx = (center.x % (pane.width + 2)) - pane.width / 2;
    const dy = center.y - pane.height / 2;
    this.x += dx / before - dx / this.scale;
    this.y += dy / before - dy / this.scale;
    this.fitted = false;
    this.redraw();
  }

  one() {
    this.zoom(1 / this.scale);
  }

  move(dx, dy) {
    if (!this.image) return;
    this.x = Math.min(this.image.width, Math.max(0, this.x - dx / this.scale));
    this.y = Math.min(this.image.height, Math.max(0, this.y - dy / this.scale));
    this.fitted = false;
    this.redraw();
  }

  setSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    this.handle.setAttribute("aria-valuenow", String(Math.round(100 * this.split)));
    this.handle.setAttribute("aria-valuetext", `${Math.round(100 * this.split)} % before`);
    this.redraw();
  }

  setMode(mode) {
    this.mode = mode;
    if (this.fitted) this.fit();
    this.redraw();
  }

  /** Paint with a brush: `{radius, erase}` in pixels of the screen, or null to move the image. */
  setPainting(painting, maskOpen = Boolean(painting)) {
    this.painting = painting;
    this.maskOpen = maskOpen;
    this.box.classList.toggle("painting", Boolean(painting));
    this.redraw();
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    if (this.fitted) this.fit();
    this.redraw();
  }

  redraw() {
    if (this.frame !== null) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.drawAll();
    });
  }

  drawAll() {
    const { context, canvas, image } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const compared = this.compared;
    this.handle.hidden = !(compared && this.mode === "slider");
    const sliding = compared && this.mode === "slider" && !this.peek;
    const names = { before: "before", preview: "preview", after: "after" };
    const named = (layer) => names[layer] ?? `result ${layer.slice(6)}`;
    this.left.textContent = named(this.sides.left);
    this.right.textContent = this.peek ? named(this.sides.left) : named(this.sides.right);
    this.left.hidden = !compared || (sliding && this.split < 0.06) || this.peek;
    this.right.hidden = !compared || (sliding && this.split > 0.94);
    this.onzoom(this.scale);
    canvas.dataset.shown = image ? `${image.id} ${compared ? named(this.sides.right) : "before"}` : "";
    if (!image) {
      this.busy.hidden = true;
      return;
    }
    this.missing = 0;
    const whole = (layer) => ({ layer, left: 0, width: canvas.width, height: canvas.height });
    if (sliding) {
      const edge = Math.round(this.split * canvas.width);
      this.handle.style.left = `${100 * this.split}%`;
      const top = Math.max(0, this.originY());
      const bottom = Math.min(canvas.height, this.originY() + image.height * this.scale);
      this.handle.style.top = `${(100 * top) / canvas.height}%`;
      this.handle.style.bottom = `${100 - (100 * bottom) / canvas.height}%`;
      this.drawPane(whole(this.sides.left), 0, edge);
      this.drawPane(whole(this.sides.right), edge, canvas.width);
    } else if (this.mode === "side" && compared && !this.peek) {
      for (const pane of this.panes) this.drawPane(pane, pane.left, pane.left + pane.width);
    } else {
      this.drawPane(whole(compared || this.peek ? this.sides.left : "before"), 0, canvas.width);
    }
    this.drawRing();
    canvas.dataset.missing = String(this.missing);
    this.busy.hidden = this.missing === 0;
  }

  originY() {
    return this.canvas.height / 2 - this.y * this.scale;
  }

  /** How large the brush is. */
  drawRing() {
    if (!this.painting || !this.pointer) return;
    const { context } = this;
    const radius = Math.max(1, this.painting.radius * (window.devicePixelRatio || 1));
    context.save();
    for (const [colour, width] of [["#000", 3], ["#fff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(this.pointer.x, this.pointer.y, radius, 0, 7);
      context.stroke();
    }
    context.restore();
  }

  /** One layer, seen between two columns of the canvas. */
  drawPane(pane, from, to) {
    if (to <= from) return;
    const { context, image, scale } = this;
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, pane.height);
    context.clip();
    const originX = pane.left + pane.width / 2 - this.x * scale;
    const originY = pane.height / 2 - this.y * scale;
    const seen = {
      left: Math.max(0, (from - originX) / scale),
      right: Math.min(image.width, (to - originX) / scale),
      top: Math.max(0, -originY / scale),
      bottom: Math.min(image.height, (pane.height - originY) / scale),
    };
    /** @type {(x: number, y: number, width: number, height: number) => [number, number, number, number]} */
    const toCanvas = (x, y, width, height) => [originX + x * scale, originY + y * scale, width * scale, height * scale];
    if (image.alpha) this.drawChequers(toCanvas(0, 0, image.width, image.height));
    if (pane.layer === "preview") {
      this.drawLayer(context, "before", seen, toCanvas);
      this.drawPreview(seen, toCanvas);
    } else {
      const overlaid = this.overlay && pane.layer.startsWith("after");
      if (overlaid) context.filter = "grayscale(1) brightness(0.55)";
      this.drawLayer(context, pane.layer, seen, toCanvas);
      context.filter = "none";
      if (overlaid) this.drawOverlay(seen, toCanvas, pane.layer.slice(5));
    }
    if (this.maskShown && (this.painting || this.maskOpen)) this.drawMask(pane, toCanvas, originX, originY);
    context.restore();
  }

  /** What is transparent shows squares. */
  drawChequers([left, top, width, height]) {
    const { context } = this;
    if (!this.chequers) {
      const square = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
      const ink = square.getContext("2d");
      ink.fillStyle = "#fff";
      ink.fillRect(0, 0, 16, 16);
      ink.fillStyle = "#c8c8c8";
      ink.fillRect(0, 0, 8, 8);
      ink.fillRect(8, 8, 8, 8);
      this.chequers = context.createPattern(square, "repeat");
    }
    context.fillStyle = this.chequers;
    context.fillRect(left, top, width, height);
  }

  /** The parts of the preview in view; those nearest to the middle are asked for first. */
  drawPreview(seen, toCanvas) {
    const { image, context } = this;
    const wanted = [];
    for (let row = Math.floor(seen.top / TILE); row * TILE < Math.min(image.height, seen.bottom); row += 1) {
      for (let column = Math.max(0, Math.floor(seen.left / TILE)); column * TILE < Math.min(image.width, seen.right); column += 1) {
        wanted.push({ column, row, apart: Math.hypot((column + 0.5) * TILE - this.x, (row + 0.5) * TILE - this.y) });
      }
    }
    wanted.sort((one, other) => one.apart - other.apart);
    for (const { column, row } of wanted) {
      const bitmap = this.preview.tile(column, row);
      if (bitmap === undefined) this.missing += 1;
      if (!bitmap) continue;
      const [x, y, w, h] = toCanvas(column * TILE, row * TILE, bitmap.width, bitmap.height);
      const left = Math.round(x);
      const top = Math.round(y);
      context.imageSmoothingEnabled = this.scale < 1.5;
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, left, top, Math.round(x + w) - left, Math.round(y + h) - top);
    }
    if (wanted.length) this.preview.want(wanted);
  }

  /** The overlay in a colour of its own, so that it is not taken for light in the image. */
  drawOverlay(seen, toCanvas, number) {
    const { canvas, context, image } = this;
    [this.sheet.width, this.sheet.height] = [canvas.width, canvas.height];
    const overlay = this.sheet.getContext("2d");
    const fill = (operation, colour) => {
      overlay.globalCompositeOperation = operation;
      overlay.fillStyle = colour;
      overlay.fillRect(0, 0, canvas.width, canvas.height);
    };
    fill("source-over", "black"); // adds nothing
    this.drawLayer(overlay, this.overlay + number, seen, toCanvas);
    fill("saturation", "black"); // channels that are off by different amounts become grey
    fill("multiply", OVERLAY);
    context.save();
    context.beginPath();
    context.rect(...toCanvas(0, 0, image.width, image.height)); // around it the canvas is empty, and black would be seen
    context.clip();
    context.globalCompositeOperation = "screen";
    context.drawImage(this.sheet, 0, 0);
    context.restore();
  }

  /** Draw a layer with a canvas context. */
  drawLayer(context, layer, seen, toCanvas) {
    const { image } = this;
    const last = image.levels.length - 1;
    const wanted = Math.min(last, Math.max(0, Math.floor(Math.log2(1 / this.scale) + 0.001)));
    // from coarse to fine: what is there already is shown until the rest has come
    for (let level = last; level >= wanted; level -= 1) {
      if (level !== wanted && level !== last) continue;
      const factor = 2 ** level;
      const [height, width] = image.levels[level];
      context.imageSmoothingEnabled = this.scale * factor < 1.5;
      context.imageSmoothingQuality = "high";
      const first = Math.floor(seen.left / factor / TILE);
      for (let row = Math.floor(seen.top / factor / TILE); row * TILE < Math.min(height, seen.bottom / factor); row += 1) {
        for (let column = first; column * TILE < Math.min(width, seen.right / factor); column += 1) {
          const image = this.tile(layer, level, column, row);
          if (!image) {
            if (level === wanted) this.missing += 1;
            continue;
          }
          const [x, y, w, h] = toCanvas(column * TILE * factor, row * TILE * factor, image.width * factor, image.height * factor);
          // whole pixels, or seams would show between tiles
          const left = Math.round(x);
          const top = Math.round(y);
          context.drawImage(image, left, top, Math.round(x + w) - left, Math.round(y + h) - top);
        }
      }
    }
  }

  tile(layer, level, column, row) {
    const path = this.path(layer, level, column, row);
    const known = this.tiles.get(path);
    if (known) {
      this.tiles.delete(path);
      this.tiles.set(path, known);
      return known.ready ? known.image : null;
    }
    const entry = { image: new Image(), ready: false };
    entry.image.src = path;
    entry.image.decode().then(
      () => {
        entry.ready = true;
        this.redraw();
      },
      () => {
        this.tiles.delete(path);
        setTimeout(() => this.redraw(), 2000); // asked for again, for instance after the server was away
      },
    );
    this.tiles.set(path, entry);
    if (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
    return null;
  }

  /** The mask is drawn opaque on a sheet of its own and laid over thinly, so that crossings are no darker. */
  drawMask(pane, toCanvas, originX, originY) {
    const { sheet, scale } = this;
    if (sheet.width !== this.canvas.width || sheet.height !== this.canvas.height) {
      sheet.width = this.canvas.width;
      sheet.height = this.canvas.height;
    }
    const ink = sheet.getContext("2d");
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.clearRect(0, 0, sheet.width, sheet.height);
    if (this.maskImage) ink.drawImage(this.maskImage, ...toCanvas(0, 0, this.image.width, this.image.height));
    ink.setTransform(scale, 0, 0, scale, originX, originY);
    ink.lineCap = ink.lineJoin = "round";
    ink.strokeStyle = getComputedStyle(this.box).getPropertyValue("--mask");
    for (const stroke of this.stroke ? [...this.strokes, this.stroke] : this.strokes) {
      ink.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
      ink.lineWidth = 2 * stroke.radius;
      ink.beginPath();
      stroke.points.forEach(([x, y], index) => (index ? ink.lineTo(x, y) : ink.moveTo(x, y)));
      if (stroke.points.length === 1) ink.lineTo(stroke.points[0][0] + 0.01, stroke.points[0][1]);
      ink.stroke();
    }
    ink.globalCompositeOperation = "source-over";
    this.context.globalAlpha = 0.5;
    this.context.drawImage(sheet, 0, 0);
    this.context.globalAlpha = 1;
  }

  setPeek(peek) {
    if (this.peek === peek || !this.compared) return;
    this.peek = peek;
    this.redraw();
  }

  /** Tell position and values of the pixel under the pointer. */
  tellPoint({ x, imageX, imageY }) {
    const { image } = this;
    const [column, row] = [Math.floor(imageX), Math.floor(imageY)];
    if (!image || column < 0 || row < 0 || column >= image.width || row >= image.height) {
      this.onpoint(null);
      return;
    }
    const edge = this.mode === "side" ? this.canvas.width / 2 : this.split * this.canvas.width;
    const layer = this.compared && x > edge ? this.sides.right : this.sides.left;
    const value = layer === "preview" ? null : this.valueAt(layer, column, row);
    const overlay = this.overlay && layer.startsWith("after") ? this.valueAt(this.overlay + layer.slice(5), column, row) : null;
    this.onpoint({ column, row, layer, value, overlay });
  }

  /** The values of a pixel, 0 to 255, from the finest tile that is there; null: none is. */
  valueAt(layer, column, row) {
    const { image } = this;
    for (let level = 0; level < image.levels.length; level += 1) {
      const [x, y] = [column >> level, row >> level];
      const known = this.tiles.get(this.path(layer, level, Math.floor(x / TILE), Math.floor(y / TILE)));
      if (!known?.ready) continue;
      this.probe.clearRect(0, 0, 1, 1);
      this.probe.drawImage(known.image, x % TILE, y % TILE, 1, 1, 0, 0, 1, 1);
      const [red, green, blue] = this.probe.getImageData(0, 0, 1, 1).data;
      return image.channels === 3 && !layer.startsWith("error") ? [red, green, blue] : [red];
    }
    return null;
  }

  path(layer, level, column, row) {
    const { id, version, page } = this.image;
    return `/api/images/${id}/layers/${layer}/${level}/${column}/${row}.png?v=${layer === "before" ? 0 : version}${page ? `&page=${page}` : ""}`;
  }

  /** Where an event is: on the canvas, and in the image. */
  placed(event) {
    const ratio = this.canvas.width / this.canvas.clientWidth;
    const edges = this.canvas.getBoundingClientRect();
    const at = { x: (event.clientX - edges.left) * ratio, y: (event.clientY - edges.top) * ratio };
    const pane = this.mode === "side" ? this.panes.findLast((each) => at.x >= each.left) ?? this.panes[0] : { left: 0, width: this.canvas.width, height: this.canvas.height };
    return {
      ...at,
      imageX: (at.x - pane.left - pane.width / 2) / this.scale + this.x,
      imageY: (at.y - pane.height / 2) / this.scale + this.y,
    };
  }

  listen() {
    const { canvas, handle } = this;
    const held = new Map();
    /** One of two fingers moved. */
    const pinch = (before, now) => {
      const [one, other] = [...held.values()];
      const rest = before === one ? other : one;
      const apart = (from) => Math.hypot(from.x - rest.x, from.y - rest.y) || 1;
      this.zoom(apart(now) / apart(before), { x: (now.x + rest.x) / 2, y: (now.y + rest.y) / 2 });
      this.move((now.x - before.x) / 2, (now.y - before.y) / 2);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.image || event.button > 1) return;
      canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, this.placed(event));
      if (this.painting && held.size === 1 && event.button === 0) {
        const point = this.placed(event);
        const ratio = window.devicePixelRatio || 1;
        this.stroke = { radius: Math.max(0.5, (this.painting.radius * ratio) / this.scale), erase: this.painting.erase, points: [[point.imageX, point.imageY]] };
        this.redraw();
      } else {
        this.stroke = null;
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      const now = this.placed(event);
      this.pointer = now;
      if (this.painting) this.redraw();
      this.tellPoint(now);
      if (!before) return;
      if (this.stroke) {
        for (const each of event.getCoalescedEvents?.() ?? [event]) {
          const point = this.placed(each);
          this.stroke.points.push([point.imageX, point.imageY]);
        }
        this.redraw();
      } else if (held.size === 2) {
        pinch(before, now);
      } else {
        this.move(now.x - before.x, now.y - before.y);
      }
      held.set(event.pointerId, now);
    });
    const lift = (event) => {
      held.delete(event.pointerId);
      if (!this.stroke) return;
      const { stroke } = this;
      this.stroke = null;
      stroke.points = thinned(stroke.points, 0.3 / this.scale);
      this.redraw();
      this.onstroke(stroke);
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("pointerleave", () => { this.pointer = null; this.onpoint(null); if (this.painting) this.redraw(); });
    canvas.addEventListener("keyup", (event) => { if (event.key === " ") this.setPeek(false); });
    canvas.addEventListener("blur", () => this.setPeek(false));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const step = event.deltaMode === 1 ? 30 : 1;
      this.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * step)) / 400), this.placed(event));
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => {
      if (this.painting) return;
      if (this.fitted) this.zoom(1 / this.scale, this.placed(event));
      else this.fit();
    });
    canvas.addEventListener("keydown", (event) => {
      const step = 60 * (window.devicePixelRatio || 1);
      const done = {
        ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0), ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
        "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.fit(), 1: () => this.one(),
        b: () => this.setSplit(1), a: () => this.setSplit(0), m: () => { this.maskShown = !this.maskShown; this.redraw(); }, " ": () => this.setPeek(true),
      }[event.key];
      if (!done || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      done();
    });
    const slide = (event) => {
      const edges = canvas.getBoundingClientRect();
      this.setSplit((event.clientX - edges.left) / edges.width);
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      held.set(event.pointerId, this.placed(event)); // with a second finger on the image both zoom
      handle.focus();
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const now = this.placed(event);
      if (held.size === 2) pinch(before, now);
      else slide(event);
      held.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, (/** @type {PointerEvent} */ event) => held.delete(event.pointerId));
    handle.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.1 : 0.02;
      const share = { ArrowLeft: this.split - step, ArrowDown: this.split - step, ArrowRight: this.split + step, ArrowUp: this.split + step, PageDown: this.split - 0.1, PageUp: this.split + 0.1, Home: 0, End: 1 }[event.key];
      if (share === undefined) return;
      event.preventDefault();
      this.setSplit(share);
    });
  }
}

/** Points without those that add nothing: closer than `apart` to the one before. */
function thinned(points, apart) {
  const kept = [points[0]];
  for (const point of points.slice(1)) {
    const [x, y] = kept.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) >= apart) kept.push(point);
  }
  return kept.map(([x, y]) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100]);
}
