// Files that people bring: dropped, chosen or pasted, single or in folders, whose tree is kept.

/** @typedef {{file: File, folder: string}} Brought a file, and the folders above it in what was dropped */

/** All files of what was dropped, folders walked. Must be called in the drop event: later its items are gone. */
export function filesOf(transfer) {
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Promise.resolve([...transfer.files].map((file) => ({ file, folder: "" })));
  return Promise.all(entries.map((entry) => walk(entry, ""))).then((found) => found.flat());
}

async function walk(entry, folder) {
  if (entry.isFile) {
    try {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return file.name.startsWith(".") ? [] : [{ file, folder }];
    } catch {
      return [{ file: null, name: entry.name, folder }];
    }
  }
  const reader = entry.createReader();
  const inner = [];
  for (;;) {
    // a reader gives at most 100 entries at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    inner.push(...some);
  }
  inner.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const below = folder ? `${folder}/${entry.name}` : entry.name;
  const found = [];
  for (const each of inner) found.push(...(await walk(each, below)));
  return found;
}

/** Take files that are chosen with an input; of folders their tree. */
export function onChosen(input, take) {
  input.addEventListener("change", () => {
    const brought = [...input.files].map((file) => ({ file, folder: (file.webkitRelativePath ?? "").split("/").slice(0, -1).join("/") }));
    input.value = "";
    if (brought.length) take(brought);
  });
}

/** Take files that are dropped on an element, and light it up meanwhile. */
export function onDropped(element, take) {
  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  element.addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth += 1;
    element.classList.add("over");
  });
  element.addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  element.addEventListener("dragleave", (event) => {
    if (!holdsFiles(event)) return;
    depth -= 1;
    if (depth <= 0) element.classList.remove("over");
  });
  element.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    depth = 0;
    for (const lit of document.querySelectorAll(".over")) lit.classList.remove("over");
    const brought = await filesOf(event.dataTransfer);
    if (brought.length) take(brought);
  });
}

/** Take images that are pasted anywhere but into a text field. */
export function onPasted(take) {
  document.addEventListener("paste", (event) => {
    if (/** @type {Element} */ (event.target).closest?.("input, textarea")) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files.map((file) => ({ file, folder: "" })));
  });
}
