// The page as a whole: which part of it is looked at, light and dark, and beginning everything.

import * as jobs from "./jobs.js";
import * as lab from "./lab.js";
import * as latent from "./latent.js";
import * as models from "./models.js";
import * as restore from "./restore.js";
import * as train from "./train.js";
import { $, safely } from "./tools.js";

const PAGES = {
  restore: { title: "Restore", part: restore },
  lab: { title: "Damage lab", part: lab },
  latent: { title: "Latent space", part: latent },
  train: { title: "Train", part: train },
};
const begun = new Map();

const open = safely(async () => {
  const name = location.hash.slice(1) in PAGES ? location.hash.slice(1) : "restore";
  for (const each of Object.keys(PAGES)) $(`page-${each}`).hidden = each !== name;
  for (const link of document.querySelectorAll("nav [data-page]")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${PAGES[name].title} · restorae`;
  const { part } = PAGES[name];
  if (!begun.has(name)) begun.set(name, part.begin());
  await begun.get(name);
  await part.shown?.();
  document.body.dataset.ready = name;
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
jobs.begin();
safely(models.refresh)();
open();
