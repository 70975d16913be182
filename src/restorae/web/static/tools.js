// What every page uses: making elements, asking the server, saying something, words for sizes and times.

/** @type {(id: string) => any} an element of the page: which kind it is, index.html says */
export const $ = (id) => document.getElementById(id);

/** An element with attributes, listeners (`onclick`) and children; text is text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list" && typeof value !== "string") element[key] = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** An element of a drawing. */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Make the children of `parent` what `wanted` says, and keep elements that are alike: what is being pressed, focused or read
 * is not taken away under the person's hand. Listeners of kept elements stay, so they go by names, not by values.
 */
export function renew(parent, wanted) {
  wanted.forEach((child, index) => {
    const there = parent.childNodes[index];
    if (!there) parent.append(child);
    else if (!alike(there, child)) there.replaceWith(child);
    else if (child.nodeType === Node.TEXT_NODE) {
      if (there.data !== child.data) there.data = child.data;
    } else {
      for (const { name } of [...there.attributes]) if (!child.hasAttribute(name)) there.removeAttribute(name);
      for (const { name, value } of child.attributes) if (there.getAttribute(name) !== value) there.setAttribute(name, value);
      renew(there, [...child.childNodes]);
    }
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

const alike = (one, other) => one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;

/** An error response, with a sentence for the person. */
export class HttpError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, signal?: AbortSignal}} options
 */
export async function ask(path, { method = "GET", json, body, signal } = {}) {
  const options = { method, signal, headers: {} };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["content-type"] = "application/json";
  } else if (body !== undefined) {
    options.body = body;
    options.headers["content-type"] = "application/octet-stream";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new HttpError(0, "The server does not answer. Is restorae serve still running?");
  }
  if (answer.ok) return answer;
  let sentence = `The server answered with status ${answer.status}.`;
  try {
    sentence = (await answer.json()).error ?? sentence;
  } catch { /* no sentence came */ }
  throw new HttpError(answer.status, sentence);
}

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function askJson(path, options) {
  const answer = await ask(path, options);
  return answer.status === 204 ? null : answer.json();
}

let fading;
/**
 * Tell the person something for a moment, in the head of the page, where it covers nothing; screen readers read it. `undo` is
 * offered as a button.
 */
export function say(sentence, undo = null, seconds = undo ? 10 : Math.max(6, sentence.length / 15)) {
  const said = $("said");
  said.replaceChildren(make("span", {}, sentence), ...(undo ? [make("button", { class: "small", onclick: () => { hush(); undo(); } }, "Undo")] : []));
  makeRoom();
  clearTimeout(fading);
  fading = setTimeout(hush, 1000 * seconds);
}

function hush() {
  $("said").replaceChildren();
  makeRoom();
}

/** On a phone what is said stays in view while one scrolls: everything else moves down by its height. */
const makeRoom = () => document.documentElement.style.setProperty("--said", `${$("said").offsetHeight}px`);

/**
 * Run what an event asks for; what goes wrong is said.
 * @param {(...given: any[]) => any} work
 * @returns {(...given: any[]) => Promise<any>}
 */
export function safely(work) {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      if (error.name !== "AbortError") {
        say(error.message);
        if (!(error instanceof HttpError)) console.error(error);
      }
      return undefined;
    }
  };
}

/**
 * Calls of `work` that follow each other: only the newest of those that wait is made, one at a time.
 * @param {(...given: any[]) => any} work
 * @returns {(...given: any[]) => Promise<void>}
 */
export function newest(work) {
  let running = false;
  let waiting = null;
  return async function call(...given) {
    if (running) {
      waiting = given;
      return;
    }
    running = true;
    try {
      await work(...given);
    } finally {
      running = false;
      if (waiting) {
        const next = waiting;
        waiting = null;
        call(...next);
      }
    }
  };
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1024 && unit < 3) {
    bytes /= 1024;
    unit += 1;
  }
  return `${bytes >= 10 || unit === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function number(value, digits = 4) {
  return Number.parseFloat(Number(value).toPrecision(digits)).toString();
}

/** Fill a select; entries are [value, text] or {label, entries}. The choice is kept where it still exists. */
export function fill(select, entries, chosen = select.value) {
  /** @type {(entry: any) => HTMLElement} */
  const option = ([value, text]) => make("option", { value }, text);
  select.replaceChildren(
    ...entries.map((entry) => (Array.isArray(entry) ? option(entry) : make("optgroup", { label: entry.label }, entry.entries.map(option)))),
  );
  if ([...select.options].some((each) => each.value === chosen)) select.value = chosen;
}

let limits;
/** What the server puts up with, asked once. */
export async function about() {
  limits ??= askJson("/api/about");
  return limits;
}

/** Send an image: see `send`. `folder` is the folders above it, `place` where it stands in the list. */
export const sendImage = (file, { folder, place }, told = (_share) => {}) => send("/api/images", file, { name: file.name, folder, place: String(place) }, told);

/**
 * Send a file; what is too large is not even sent.
 * @param {string} path
 * @param {File} file
 * @param {Record<string, string>} facts go with it, in the address
 * @param {(share: number) => void} [told] called with the share that was sent
 * @returns {Promise<any>}
 */
export async function send(path, file, facts, told = () => {}) {
  const { limits: { upload } } = await about();
  if (file.size > upload) {
    throw new HttpError(413, `${file.name} has ${size(file.size)}; this server takes at most ${size(upload)}. The command line takes it.`);
  }
  const query = new URLSearchParams(facts);
  const unreadable = new HttpError(400, `${file.name} cannot be read by the browser. Was it moved or changed?`);
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw unreadable;
  }
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    request.open("POST", `${path}?${query}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => told(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new HttpError(request.status, request.response?.error ?? `The server answered with status ${request.status}.`));
    });
    request.addEventListener("error", () => reject(new HttpError(0, "The connection was lost. Is restorae serve still running?")));
    request.send(file);
  });
}

/** Copy a text; where the browser does not allow it, select the text so that Ctrl+C copies it. */
export async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(element);
    say("Selected: press Ctrl+C to copy it.");
  }
}

/** Make a group of buttons a radio group: one tab stop, arrows choose. `choose` is called with the button. */
export function radioGroup(group, choose) {
  const buttons = [...group.querySelectorAll("[role=radio]")];
  const pick = (button) => {
    for (const each of buttons) {
      each.setAttribute("aria-checked", String(each === button));
      each.tabIndex = each === button ? 0 : -1;
    }
    choose(button);
  };
  for (const [index, button] of buttons.entries()) {
    button.tabIndex = button.getAttribute("aria-checked") === "true" ? 0 : -1;
    button.addEventListener("click", () => pick(button));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = buttons[(index + step + buttons.length) % buttons.length];
      pick(next);
      next.focus();
    });
  }
}

/** Ask before something is done; resolves to whether it shall be. */
export function confirmed(question, yes, no = "Cancel") {
  const dialog = make("dialog", { class: "ask", "aria-label": question },
    make("p", {}, question),
    make("form", { method: "dialog", class: "actions" }, make("button", { class: "main", value: "yes" }, yes), make("button", { value: "no" }, no)));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
