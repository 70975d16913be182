// Light or dark as the system says, unless the person chose; set before anything is drawn.
document.documentElement.dataset.script = "on"; // without scripts, what would do nothing is hidden
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* storage is off: the system decides */ }
