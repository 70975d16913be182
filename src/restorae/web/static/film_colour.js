// Colours of a film: references that are dropped or painted upon a frame, frames to colour first, and what neighbours become.

import { onChosen, onDropped } from "./files.js";
import { $, askJson, make, renew, safely, send } from "./tools.js";

const BRUSH = 12; // pixels of the frame, to begin with

export class FilmColours {
  /**
   * @param {{film: () => any, at: () => number, settings: () => object, changed: (film: any) => void, previewed: (frames: any[]) => void,
   *   goTo: (frame: number) => void}} page
   */
  constructor(page) {
    this.page = page;
    this.strokes = new Map(); // "film frame": strokes that were painted here, also those that are no reference yet
    this.stroke = null; // the one that is being painted
    this.cursor = null; // where the keys have brought the brush
    this.canvas = $("film-canvas");
    onChosen($("film-reference-file"), (brought) => this.add(brought));
    onDropped($("film-reference-drop"), (brought) => this.add(brought));
    $("film-suggest").addEventListener("click", safely(() => this.suggest()));
    $("film-paint").addEventListener("click", () => this.show(!this.isPainting));
    $("film-eraser").addEventListener("click", () => { $("film-eraser").setAttribute("aria-pressed", String(!this.erases)); });
    $("film-undo").addEventListener("click", () => this.put(this.current.slice(0, -1)));
    $("film-clear").addEventListener("click", () => this.put([]));
    $("film-colour-preview").addEventListener("click", safely(() => this.preview()));
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) this.canvas.addEventListener(kind, () => this.lift());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => { this.cursor = null; this.ring(null); });
    this.canvas.addEventListener("pointerleave", () => this.ring(this.cursor));
    $("film-before").addEventListener("load", () => this.draw());
    this.unsaved = new Map(); // "film frame": the film and the frame whose strokes are still to be sent
    this.saving = false;
  }

  get isPainting() {
    return $("film-paint").getAttribute("aria-pressed") === "true";
  }

  get erases() {
    return $("film-eraser").getAttribute("aria-pressed") === "true";
  }

  get where() {
    return `${this.page.film()?.id} ${this.page.at()}`;
  }

  /** The strokes on the frame in view. */
  get current() {
    return this.strokes.get(this.where) ?? this.page.film()?.references.find((each) => each.frame === this.page.at())?.strokes ?? [];
  }

  tell(text, isError = false) {
    $("film-colour-note").textContent = text;
    $("film-colour-note").className = isError ? "note error" : "note";
  }

  // ----------------------------------------------------------------------------------------------- references

  /** Take images as references of the film in view. */
  async add(brought) {
    const film = this.page.film();
    if (!film) {
      this.tell("Drop a film first.", true);
      return;
    }
    const refused = [];
    for (const { file, name } of brought) {
      this.tell(`Sending ${file?.name ?? name} …`);
      try {
        if (!file) throw new Error(`The browser cannot read ${name}.`);
        this.page.changed(await send(`/api/films/${film.id}/references`, file, { name: file.name }));
      } catch (error) {
        refused.push(error.message);
      }
    }
    this.tell(refused.join(" "), refused.length > 0);
  }

  async remove(number) {
    const film = this.page.film();
    const { frame } = film.references.find((each) => each.number === number);
    if (frame !== null) this.strokes.delete(`${film.id} ${frame}`);
    this.page.changed(await askJson(`/api/films/${film.id}/references/${number}`, { method: "DELETE" }));
    $("film-reference-file").focus();
  }

  async suggest() {
    const film = this.page.film();
    const job = await askJson(`/api/films/${film.id}/suggest`, { method: "POST" });
    this.page.changed({ ...film, job: job.id });
  }

  // ----------------------------------------------------------------------------------------------- what is shown

  update() {
    const film = this.page.film();
    $("film-colour").hidden = !film;
    if (!film) return;
    const count = film.references.length;
    $("film-colour-preview").disabled = !count;
    $("film-recolour").closest(".field").hidden = !count;
    $("film-still").href = `/api/films/${film.id}/stills/${this.page.at()}.png`;
    renew($("film-references"), film.references.map((each) => make("li", { "data-key": `${film.id}-${each.number}` },
      make(each.frame === null ? "div" : "button", { class: "pick", ...(each.frame === null ? {} : { onclick: () => this.page.goTo(each.frame) }) },
        make("img", { src: `/api/films/${film.id}/references/${each.number}.png`, alt: "" }),
        make("span", { class: "text" }, make("span", { class: "name" }, each.name))),
      make("button", { class: "quiet small", "aria-label": `Remove ${each.name}`, onclick: safely(() => this.remove(each.number)) }, "✕"))));
    renew($("film-suggested"), film.suggested.map((each) => make("li", { "data-key": `${film.id}-${each.frame}` },
      make("button", { class: "small", onclick: () => this.page.goTo(each.frame) }, `Frame ${(each.frame + 1).toLocaleString("en")}, for ${Math.round(100 * each.serves)} % of the film`))));
    this.draw();
  }

  show(isPainting) {
    $("film-paint").setAttribute("aria-pressed", String(isPainting));
    $("film-brush-tools").hidden = !isPainting;
    this.canvas.hidden = !isPainting;
    if (isPainting) this.canvas.focus();
    this.draw();
  }

  draw() {
    const image = $("film-before");
    const strokes = this.stroke ? [...this.current, this.stroke] : this.current;
    $("film-undo").disabled = $("film-clear").disabled = !this.current.length;
    if (this.canvas.hidden || !image.naturalWidth) return;
    if (this.canvas.width !== image.naturalWidth || this.canvas.height !== image.naturalHeight) Object.assign(this.canvas, { width: image.naturalWidth, height: image.naturalHeight });
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.lineCap = context.lineJoin = "round";
    for (const { points, radius, colour, erase } of strokes) {
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      context.strokeStyle = colour;
      context.lineWidth = 2 * radius;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
    context.globalCompositeOperation = "source-over";
  }

  /** A ring as large as the brush, where the pointer or the keys have it; nothing hides it. */
  ring(place) {
    const ring = $("film-ring");
    ring.hidden = !place;
    if (!place) return;
    const { scale, left, top } = this.fitted();
    const box = ring.parentElement.getBoundingClientRect();
    Object.assign(ring.style, {
      width: `${2 * this.radius * scale}px`, height: `${2 * this.radius * scale}px`,
      left: `${left - box.left + scale * (place[0] - this.radius)}px`, top: `${top - box.top + scale * (place[1] - this.radius)}px`,
    });
  }

  // ----------------------------------------------------------------------------------------------- painting

  get radius() {
    return (Number($("film-brush-size").value) / 100) * this.canvas.height / 4 || BRUSH;
  }

  /** How the frame is fitted into the canvas's box: pixels of the screen for one of it, and its corner. */
  fitted() {
    const box = this.canvas.getBoundingClientRect();
    const scale = Math.min(box.width / this.canvas.width, box.height / this.canvas.height);
    return { scale, left: box.left + (box.width - scale * this.canvas.width) / 2, top: box.top + (box.height - scale * this.canvas.height) / 2 };
  }

  /** Where the pointer is, in pixels of the frame. */
  place(event) {
    const { scale, left, top } = this.fitted();
    return [(event.clientX - left) / scale, (event.clientY - top) / scale];
  }

  begin(point) {
    this.stroke = { radius: this.radius, points: [point], erase: this.erases, colour: $("film-brush-colour").value };
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.begin(this.place(event));
    this.draw();
  }

  move(event) {
    this.ring(this.place(event));
    if (!this.stroke) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.stroke.points.push(this.place(each));
    this.draw();
  }

  lift() {
    if (!this.stroke) return;
    const strokes = [...this.current, this.stroke];
    this.stroke = null;
    this.put(strokes);
  }

  /** Arrows move the brush, Space paints where it is. */
  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      this.put(this.current.slice(0, -1));
      return;
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    const [x, y] = this.cursor ?? [this.canvas.width / 2, this.canvas.height / 2];
    if (step) {
      this.cursor = [Math.min(this.canvas.width, Math.max(0, x + step[0] * this.radius)), Math.min(this.canvas.height, Math.max(0, y + step[1] * this.radius))];
      this.ring(this.cursor);
      return;
    }
    this.cursor = [x, y];
    this.begin(this.cursor);
    this.lift();
  }

  put(strokes) {
    this.strokes.set(this.where, strokes);
    this.draw();
    this.unsaved.set(this.where, { film: this.page.film(), frame: this.page.at() });
    this.save();
  }

  /** Send the strokes of all frames that were painted, one after the other; of each frame the newest. */
  async save() {
    if (this.saving) return;
    this.saving = true;
    for (const [key, { film, frame }] of this.unsaved) {
      this.unsaved.delete(key);
      await safely(() => this.saved(film, frame))();
    }
    this.saving = false;
  }

  /** Wait until the server has all strokes. */
  async settled() {
    while (this.saving) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async saved(film, frame) {
    const key = `${film.id} ${frame}`;
    const strokes = this.strokes.get(key) ?? [];
    const answer = await askJson(`/api/films/${film.id}/frames/${frame}/strokes`, { method: "PUT", json: { strokes } });
    this.tell(strokes.length && !answer.used ? "This is too little to take colours from: paint more." : "");
    if (answer.used && this.strokes.get(key) === strokes) this.strokes.delete(key);
    this.page.changed(answer.film);
  }

  async preview() {
    const film = this.page.film();
    const button = $("film-colour-preview");
    button.disabled = true;
    button.textContent = "Colouring …";
    try {
      await this.settled();
      const { frames, is_end } = await askJson(`/api/films/${film.id}/colour-preview?number=${this.page.at()}`, { method: "POST", json: this.page.settings() });
      this.tell(is_end ? "The last frame below is the last of its shot." : "");
      if (film.id === this.page.film()?.id) this.page.previewed(frames);
    } catch (error) {
      this.tell(error.message, true);
    } finally {
      button.textContent = "Preview colours";
      button.disabled = false;
    }
  }
}
