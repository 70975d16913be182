// What is shown of results: which are compared, maps over them with their legend, and their downloads.

import * as jobs from "./jobs.js";
import * as models from "./models.js";
import { $, fill } from "./tools.js";

const OVERLAYS = {
  error: { name: "possible error", about: "90 % of the errors are smaller than shown", low: "0", high: "51 of 255 or more" },
  spread: { name: "where the answers differ", about: "Standard deviation of the answers", low: "0", high: "half the range" },
  defects: { name: "defects", about: "What was taken for a defect", low: "none", high: "defect" },
};

export function showResults(image, viewer, job) {
  const results = image?.results ?? [];
  showSides(results, viewer);
  const shown = shownResult(results, viewer.sides.right);
  showState(image, shown, viewer, job);
  $("download").hidden = !shown;
  if (shown) {
    const path = `/api/images/${image.id}/restored`;
    $("download").href = `${path}?number=${shown.number}`;
    $("download").setAttribute("download", shown.name);
    $("download").setAttribute("aria-label", `Download ${shown.name}`);
    $("download").onclick = () => { image.downloaded = true; };
  }
  const map = shown?.maps[0];
  $("download-map").hidden = !map;
  if (map) {
    $("download-map").href = `/api/images/${image.id}/restored/${map}?number=${shown.number}`;
    $("download-map").textContent = `Download ${OVERLAYS[map].name}`;
  }
  showOverlay(shown, viewer);
}

/** The result on the right, the newest where a preview is shown. */
function shownResult(results, side) {
  if (side.startsWith("after-")) return results.find((each) => side === `after-${each.number}`) ?? results.at(-1);
  return results.at(-1);
}

function showSides(results, viewer) {
  const named = results.map((each, index) => {
    const newest = index === results.length - 1;
    const strength = each.settings.strength === 1 ? "" : `, ${Math.round(100 * each.settings.strength)} %`;
    return [newest ? "after" : `after-${each.number}`, `${models.title(each.model).split(":")[0]}${strength} (${each.number})`];
  });
  const right = [...(viewer.preview ? [["preview", "preview"]] : []), ...named];
  $("sides").hidden = right.length < 2;
  fill($("side-left"), [["before", "before"], ...named], viewer.sides.left);
  fill($("side-right"), right, viewer.sides.right);
}

function showState(image, shown, viewer, job) {
  let told = "";
  if (job && ["failed", "waiting", "running"].includes(job.state)) told = job.state === "running" ? `Restoring … ${jobs.told(job)}` : jobs.told(job);
  else if (viewer.preview && viewer.sides.right === "preview") told = image?.result ? "Preview of changed settings. Restore again to keep it." : viewer.preview.unchanged ? "No noise found: Restore leaves it as it is." : "Preview: exact, where it is shown.";
  else if (shown?.unchanged) told = "No noise found; nothing changed. The result is a copy of the file.";
  else if (shown) told = `By ${models.title(shown.model)}${job?.state === "done" ? `, ${jobs.told(job)}` : ""}${shown.saved ? `, saved as ${shown.saved}` : ""}`;
  if ($("image-state").textContent !== told) $("image-state").textContent = told;
  $("image-state").className = job?.state === "failed" ? "error" : "";
}

function showOverlay(shown, viewer) {
  const overlays = (shown?.layers ?? []).filter((layer) => layer !== "after");
  $("overlay-tools").hidden = !overlays.length;
  if (!overlays.includes(viewer.overlay)) viewer.overlay = "";
  fill($("overlay"), [["", "none"], ...overlays.map((layer) => [layer, OVERLAYS[layer]?.name ?? layer])], viewer.overlay);
  const legend = OVERLAYS[viewer.overlay];
  $("legend").hidden = !legend;
  if (legend) {
    $("overlay-note").textContent = legend.about;
    $("legend-low").textContent = legend.low;
    $("legend-high").textContent = legend.high;
  }
}
