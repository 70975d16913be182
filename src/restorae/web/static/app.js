// The page as a whole: which part of it is looked at, light and dark, and beginning everything.

import * as jobs from "./jobs.js";
import * as lab from "./lab.js";
import * as film from "./film.js";
import { isFilm } from "./kinds.js";
import * as latent from "./latent.js";
import * as models from "./models.js";
import { onChosen, onDropped, onPasted } from "./files.js";
import * as restore from "./restore.js";
import * as train from "./train.js";
import { $, safely, say } from "./tools.js";

const PAGES = {
  restore: { title: "Restore", part: restore },
  film: { title: "Film", part: film },
  lab: { title: "Damage lab", part: lab },
  latent: { title: "Latent space", part: latent },
  train: { title: "Train", part: train },
};
const begun = new Map();

const pageName = () => (location.hash.slice(1) in PAGES ? location.hash.slice(1) : "restore");

/** Images may be brought to any part of the page; they go to Restore, or to the part that has a use for them. */
const bring = safely(async (brought) => {
  const films = brought.filter(({ file }) => isFilm(file?.name));
  if (films.length) {
    await show("film");
    film.add(films);
  }
  if (films.length === brought.length) return;
  brought = brought.filter(({ file }) => !isFilm(file?.name));
  if (pageName() === "film" && film.takesReferences()) {
    await film.addReferences(brought);
    return;
  }
  if (pageName() === "latent") {
    latent.encodeFile(brought.find(({ file }) => file)?.file);
    return;
  }
  if (pageName() === "train") {
    const sent = await restore.addFor(brought);
    if (sent.length) await train.dropped([...new Set(sent.map((image) => image.folder))]);
    return;
  }
  if (pageName() !== "restore") {
    say(`${brought.length === 1 ? "The image is" : "The images are"} in Restore.`);
    await show("restore");
  }
  await begun.get("restore");
  restore.add(brought);
});

async function show(name) {
  location.hash = name;
  await open();
}

const open = safely(async () => {
  const name = pageName();
  for (const each of Object.keys(PAGES)) $(`page-${each}`).hidden = each !== name;
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav [data-page]"))) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  jobs.setTitle(`${PAGES[name].title} · restorae`);
  const { part } = PAGES[name];
  if (!begun.has(name)) begun.set(name, part.begin());
  await begun.get(name);
  await part.shown?.();
  if (name === pageName()) document.body.dataset.ready = name; // another page may have been opened meanwhile
});

$("theme-button").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
  window.dispatchEvent(new Event("themechange"));
});

window.addEventListener("hashchange", () => {
  open();
  $("main").focus({ preventScroll: true });
});
window.addEventListener("hashchange", () => document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }));
$("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which part is shown
  $("main").focus();
});
onDropped(document.body, bring);
onDropped($("drop"), bring);
for (const id of ["files", "folder"]) onChosen($(id), bring);
onPasted(bring);
jobs.onRestart(safely(async () => {
  await models.refresh();
  if (begun.has("train")) await train.shown();
}));
jobs.begin();
safely(models.refresh)();
open();
