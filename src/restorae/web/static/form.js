// A form made from the fields that the server describes: a new setting appears on the page by itself.

import { fill, make } from "./tools.js";

export class Form {
  /**
   * @param box where the controls go: the first group open, the others under “More settings”
   * @param description `{fields, conflicts}` of GET /api/restore-form
   * @param onchange called when the person has changed something
   */
  constructor(box, { fields, conflicts }, onchange) {
    this.conflicts = conflicts;
    this.controls = new Map(fields.map((field) => [field.name, control(field, box.id.replace("settings", field.name), () => { this.update(); onchange(); })]));
    const groups = [...new Set(fields.map((field) => field.group))];
    this.sections = groups.slice(1).map((group) => make("section", {}, make("h3", {}, group), this.rowsOf(fields, group)));
    box.replaceChildren(...this.rowsOf(fields, groups[0]), make("details", { class: "more" }, make("summary", {}, "More settings"), ...this.sections));
    this.update();
  }

  rowsOf(fields, group) {
    return fields.filter((field) => field.group === group).map((field) => this.controls.get(field.name).row);
  }

  /** Offer a setting or not; one that is not offered keeps its default. */
  offer(name, offered) {
    const one = this.controls.get(name);
    if (one) one.row.hidden = !offered;
    this.update();
  }

  /** Disable what another setting excludes, and hide sections without settings. */
  update() {
    for (const one of this.controls.values()) one.enable(true);
    for (const [first, second] of this.conflicts) {
      if (this.isSet(first)) this.controls.get(second)?.enable(false, this.controls.get(first).field.title);
      else if (this.isSet(second)) this.controls.get(first)?.enable(false, this.controls.get(second).field.title);
    }
    for (const section of this.sections) section.hidden = [...section.querySelectorAll("[data-setting]")].every((row) => row.hidden);
  }

  isSet(name) {
    const one = this.controls.get(name);
    return Boolean(one) && !one.row.hidden && one.enabled && one.read() !== one.field.default;
  }

  /** The value of a setting: its default where it is not offered or excluded. */
  value(name) {
    return this.isSet(name) ? this.controls.get(name).read() : this.controls.get(name)?.field.default;
  }

  set(name, value) {
    this.controls.get(name)?.write(value);
    this.update();
  }

  /** The settings that differ from their defaults. */
  values() {
    return Object.fromEntries([...this.controls.keys()].filter((name) => this.isSet(name)).map((name) => [name, this.value(name)]));
  }

  /** Whether a job was asked for with these settings. */
  agrees(settings) {
    return [...this.controls.keys()].every((name) => this.value(name) === settings[name]);
  }
}

/** A labelled control for one field: `{field, row, enabled, enable(), read(), write()}`. */
function control(field, id, changed) {
  const build = field.kind === "choice" ? choice : field.kind === "flag" ? flag : field.kind === "number" && !field.optional && field.low !== null && field.high !== null ? slider : text;
  const { input, output = null, read, write } = build(field, id);
  input.addEventListener(input.type === "range" ? "input" : "change", changed);
  const label = make("label", { for: id }, field.title, field.unit ? ` (${field.unit})` : "", output ? " " : "", output);
  const row = make("div", { class: input.type === "checkbox" ? "field check" : "field", title: field.help, "data-setting": field.name }, ...(input.type === "checkbox" ? [input, label] : [label, input]));
  const reason = make("span", { class: "note reason" });
  row.append(reason);
  // what is excluded shows its default, which is what happens, and why; the person's own value comes back later
  const enable = (on, other = "") => {
    if (on && !made.enabled) write(made.own);
    if (!on && made.enabled) {
      made.own = read();
      write(field.default);
    }
    made.enabled = on;
    input.disabled = !on;
    reason.textContent = on ? "" : `Not together with “${other}”.`;
  };
  const made = { field, row, read, write, enabled: true, enable };
  return made;
}

function flag(field, id) {
  const input = make("input", { id, type: "checkbox", checked: field.default === true });
  return { input, read: () => input.checked, write: (value) => { input.checked = Boolean(value); } };
}

function choice(field, id) {
  const input = make("select", { id });
  const none = field.optional ? [["", "automatic"]] : [];
  fill(input, [...none, ...field.choices.map((each, index) => [String(each), field.choice_titles[index]])], String(field.default ?? ""));
  const read = () => field.choices.find((each) => String(each) === input.value) ?? null;
  return { input, read, write: (value) => { input.value = String(value ?? ""); } };
}

function slider(field, id) {
  const input = make("input", { id, type: "range", min: String(field.low), max: String(field.high), step: String((field.high - field.low) / 20) });
  input.value = String(field.default);
  const output = make("output", { id: `${id}-value` });
  const show = () => { output.textContent = `${Math.round(100 * input.value)} %`; };
  input.addEventListener("input", show);
  show();
  return { input, output, read: () => Number(input.value), write: (value) => { input.value = String(value); show(); } };
}

function text(field, id) {
  const number = field.kind === "integer" || field.kind === "number";
  const input = make("input", { id, type: number ? "number" : "text", autocomplete: "off", spellcheck: "false" });
  if (field.low !== null) input.min = String(field.low);
  if (field.high !== null) input.max = String(field.high);
  if (number) input.step = field.kind === "integer" ? "1" : "any";
  if (field.optional) input.placeholder = "automatic";
  input.value = String(field.default ?? "");
  const read = () => (input.value.trim() === "" ? field.default : number ? Number(input.value) : input.value.trim());
  return { input, read, write: (value) => { input.value = String(value ?? ""); } };
}
