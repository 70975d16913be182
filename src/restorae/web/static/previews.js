// Previews: the parts in view, restored by the server at full resolution, as they will be in the result.

import { ask } from "./tools.js";

const MOST = 12; // parts that are asked for without a further question: each takes the server a moment

export class Preview {
  /**
   * @param {string} image id of the image
   * @param {object} settings body of the request
   * @param {{arrived: () => void, failed: (sentence: string) => void, told: (sentence: string) => void}} hears
   * @param {number} [page] counted from 0
   */
  constructor(image, settings, hears, page = 0) {
    this.image = image;
    this.page = page;
    this.settings = settings;
    this.hears = hears;
    this.tiles = new Map(); // "column row": bitmap, or null where none will come
    this.wanted = [];
    this.asking = false;
    this.unchanged = false; // whether no damage was found: the image stays as it is
    this.stopped = new AbortController();
    this.key = JSON.stringify([image, page, settings]);
  }

  /** A part: undefined while it is on its way, null where it will not come. */
  tile(column, row) {
    return this.tiles.get(`${column} ${row}`);
  }

  /** Say which parts are in view, the most important first. */
  want(places) {
    this.wanted = places;
    const missing = places.filter(({ column, row }) => !this.tiles.has(`${column} ${row}`));
    for (const { column, row } of missing.slice(Math.max(0, MOST - (places.length - missing.length)))) this.tiles.set(`${column} ${row}`, null);
    this.hears.told(places.length > MOST ? "The preview shows the middle. Zoom in to see other parts; Restore does the whole image." : "");
    this.ask();
  }

  /** What was left out for being too much may be wanted now that less is in view. */
  moved() {
    for (const [key, tile] of this.tiles) if (tile === null) this.tiles.delete(key);
  }

  close() {
    this.stopped.abort();
    for (const tile of this.tiles.values()) tile?.close?.();
    this.tiles.clear();
  }

  async ask() {
    if (this.asking || this.stopped.signal.aborted) return;
    this.asking = true;
    try {
      for (;;) {
        const next = this.wanted.find(({ column, row }) => !this.tiles.has(`${column} ${row}`));
        if (!next || this.stopped.signal.aborted) return;
        const { column, row } = next;
        const answer = await ask(`/api/images/${this.image}/preview.png?column=${column}&row=${row}&page=${this.page}`, { method: "POST", json: this.settings, signal: this.stopped.signal });
        this.unchanged = answer.headers.has("x-unchanged");
        const bitmap = await createImageBitmap(await answer.blob());
        if (this.stopped.signal.aborted) return;
        this.tiles.set(`${column} ${row}`, bitmap);
        this.hears.arrived();
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      this.stopped.abort();
      this.hears.failed(error.message);
    } finally {
      this.asking = false;
    }
  }
}
