// Images on their way to the server: some at a time, with progress, and once more where it failed.

import { ask, sendImage } from "./tools.js";

const AT_ONCE = 3;
const TRIES = 6;
const PAUSE = 1500; // milliseconds, longer with each try
let place = 0; // where the newest file stands in the list, in microseconds: after all that were brought before

/** Forget a file that could not be taken: the server lists it for pages that are opened later. */
export const forget = (entry) => ask(`/api/refused/${entry.place}`, { method: "DELETE" }).catch(() => {});

export class Sending {
  /**
   * @param {{images: () => any[], put: (images: any[]) => void, arrived: (image: any, first?: boolean) => void}} page the list and what
   *   to call with its next state
   */
  constructor(page) {
    this.page = page;
    this.waiting = [];
    this.active = 0;
    this.frame = null;
    window.addEventListener("beforeunload", (event) => { if (this.active || this.waiting.length) event.preventDefault(); });
  }

  /** Send files; resolves to the images that arrived, null for those that did not. */
  add(brought) {
    const coming = brought.map(({ file, folder, name }) => {
      place = Math.max(place + 1, 1000 * Date.now());
      const entry = { key: `coming ${place}`, place, name: file?.name ?? name, folder, file, sending: true };
      if (!file) Object.assign(entry, { sending: false, refused: "The browser cannot read this entry." });
      return entry;
    });
    coming[0].first = true;
    this.page.put([...this.page.images(), ...coming]);
    const sent = coming.filter((entry) => entry.file).map((entry) => new Promise((resolve) => this.waiting.push({ entry, resolve })));
    for (let index = 0; index < AT_ONCE; index += 1) this.go();
    return Promise.all(sent);
  }

  again(key) {
    const entry = this.page.images().find((each) => each.key === key);
    if (!entry?.file) return;
    this.page.put(this.page.images().filter((each) => each !== entry));
    this.add([entry]);
    forget(entry);
  }

  cancel(entry) {
    entry.cancelled = true;
    this.waiting = this.waiting.filter((each) => each.entry !== entry);
  }

  async go() {
    if (this.active >= AT_ONCE) return;
    const next = this.waiting.shift();
    if (!next) return;
    this.active += 1;
    const { entry, resolve } = next;
    entry.sent = 0;
    let found = null;
    let retried = false;
    try {
      found = await sendImage(entry.file, entry, (share) => { entry.sent = share; this.soon(); });
      found.file = entry.file;
      if (entry.cancelled) {
        await ask(`/api/images/${found.id}`, { method: "DELETE" });
        return;
      }
      // the list may have been asked for meanwhile, and hold it already
      const others = this.page.images().filter((each) => each.id !== found.id);
      const isThere = others.includes(entry);
      this.page.put(isThere ? others.map((each) => (each === entry ? found : each)) : [...others, found].sort((one, other) => one.place - other.place));
      this.page.arrived(found, entry.first);
    } catch (error) {
      if (error.status === 0 && (entry.tries ?? 0) < TRIES && !entry.cancelled) {
        // the laptop slept, or the network was away: it goes on by itself
        entry.tries = (entry.tries ?? 0) + 1;
        entry.sent = undefined;
        setTimeout(() => { this.waiting.push(next); this.go(); }, PAUSE * entry.tries);
        retried = true;
        this.soon();
        return;
      }
      Object.assign(entry, { sending: false, refused: error.message });
      this.soon();
    } finally {
      this.active -= 1;
      if (!retried) resolve(found);
      this.go();
    }
  }

  /** Show progress with the next frame: many files arrive faster than they can be drawn. */
  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.page.put(this.page.images());
    });
  }
}
