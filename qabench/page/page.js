"use strict";
// Everything shown comes through textContent: no text of the data is ever parsed as markup.
const PAGE = 50;
const MOST_RUNS = 4;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  for (const child of children) element.append(child);
  return element;
}

function labelled(text, control) {
  return make("label", {}, text, control);
}

function select(options, chosen, onchange) {
  const element = make("select", { onchange: (event) => onchange(event.target.value) });
  for (const [value, text] of options) {
    element.append(make("option", { value, selected: String(value) === String(chosen) }, text));
  }
  return element;
}

const OUTCOMES = [
  ["all", "all questions"],
  ["a-not-b", "A right, B wrong"],
  ["b-not-a", "B right, A wrong"],
  ["differ", "A and B differ"],
  ["a-wrong", "A wrong"],
  ["both-wrong", "both wrong"],
];

function passes(outcome, a, b) {
  switch (outcome) {
    case "a-not-b": return a === 1 && b === 0;
    case "b-not-a": return a === 0 && b === 1;
    case "differ": return a !== b;
    case "a-wrong": return a === 0;
    case "both-wrong": return a === 0 && b === 0;
    default: return true;
  }
}

class Browser {
  constructor(root, data) {
    this.data = data;
    this.count = data.questions.id.length;
    const asked = data.questions;
    this.searched = asked.id.map((id, i) =>
      [id, asked.article[i], asked.text[i]].join("\n").toLowerCase());
    this.searchedContexts = data.contexts.map((text) => text.toLowerCase());
    this.state = {
      a: 0, b: this.firstRuns()[1] ?? data.runs.length - 1,
      outcome: "all", slice: "", fault: "", text: "", page: 0,
    };
    this.open = new Set();
    this.status = make("div", { class: "count", role: "status" });
    this.table = make("table", { class: "questions" });
    root.append(this.filters(), this.status, this.table);
    this.update();
  }

  // The first run of each system.
  firstRuns() {
    const name = (run) => run.label.replace(/ seed -?\d+$/, "");
    const names = this.data.runs.map(name);
    return names.map((_, i) => i).filter((i) => names.indexOf(names[i]) === i);
  }

  set(name, value) {
    this.state[name] = value;
    this.state.page = 0;
    this.update();
  }

  filters() {
    const runs = this.data.runs.map((run, i) => [i, run.label]);
    const slices = [["", "all"]];
    for (const [group, column] of Object.entries(this.data.slices)) {
      column.names.forEach((name, i) => slices.push([group + "\n" + i, group + ": " + name]));
    }
    const faults = [["", "any or none"], ...this.data.runs[0].faults.map((name, i) => [i, name])];
    const search = make("input", {
      type: "search", size: 28, placeholder: "question, context, article or id",
      oninput: (event) => this.set("text", event.target.value.toLowerCase()),
    });
    return make("div", { class: "filters" },
      labelled("run A", select(runs, this.state.a, (v) => this.set("a", Number(v)))),
      labelled("run B", select(runs, this.state.b, (v) => this.set("b", Number(v)))),
      labelled("show", select(OUTCOMES, "all", (v) => this.set("outcome", v))),
      labelled("error of A", select(faults, "", (v) => this.set("fault", v))),
      labelled("slice", select(slices, "", (v) => this.set("slice", v))),
      labelled("search", search));
  }

  chosen() {
    const { a, b, outcome, slice, fault, text } = this.state;
    const { runs, questions } = this.data;
    const [group, name] = slice.split("\n");
    const column = slice ? this.data.slices[group].of : null;
    const found = [];
    for (let i = 0; i < this.count; i++) {
      if (!passes(outcome, runs[a].exact[i], runs[b].exact[i])) continue;
      if (column && column[i] !== Number(name)) continue;
      if (fault !== "" && runs[a].fault[i] !== Number(fault)) continue;
      if (text && !this.searched[i].includes(text) &&
          !this.searchedContexts[questions.context[i]].includes(text)) continue;
      found.push(i);
    }
    return found;
  }

  // A and B, then the first runs of further systems.
  shown() {
    const others = this.firstRuns().slice(2);
    return [...new Set([this.state.a, this.state.b, ...others])].slice(0, MOST_RUNS);
  }

  update() {
    const found = this.chosen();
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    this.state.page = Math.min(this.state.page, pages - 1);
    const first = this.state.page * PAGE;
    const turn = (by, text) => make("button", {
      type: "button", disabled: this.state.page + by < 0 || this.state.page + by >= pages,
      onclick: () => { this.state.page += by; this.update(); },
    }, text);
    this.status.replaceChildren(
      make("span", {}, `${found.length} of ${this.count} questions, page ${this.state.page + 1} of ${pages}`),
      turn(-1, "previous"), turn(1, "next"));
    const shown = this.shown();
    const head = make("tr", {}, make("th", { class: "ask", scope: "col" }, "question"));
    head.append(make("th", { scope: "col" }, "gold"));
    for (const run of shown) head.append(make("th", { scope: "col" }, this.data.runs[run].label));
    const body = make("tbody");
    for (const i of found.slice(first, first + PAGE)) body.append(...this.rows(i, shown));
    this.table.replaceChildren(make("thead", {}, head), body);
  }

  context(i) { return this.data.contexts[this.data.questions.context[i]]; }

  answer(run, i) {
    const [start, end] = run.span[i];
    return end > start ? this.context(i).slice(start, end) : run.text[i];
  }

  rows(i, shown) {
    const asked = this.data.questions;
    const toggle = make("button", {
      type: "button", class: "open", "aria-expanded": String(this.open.has(i)),
      onclick: () => { this.open.has(i) ? this.open.delete(i) : this.open.add(i); this.update(); },
    }, asked.text[i]);
    const row = make("tr", {}, make("td", {}, toggle,
      make("span", { class: "meta" }, [asked.article[i], asked.id[i]].filter(Boolean).join(" · "))));
    const golds = asked.golds[i].map(([start, end]) => this.context(i).slice(start, end));
    row.append(golds.length ? make("td", {}, [...new Set(golds)].join(" | "))
      : make("td", { class: "none" }, "no answer"));
    for (const one of shown) row.append(this.cell(this.data.runs[one], i));
    return this.open.has(i) ? [row, this.detail(i, shown)] : [row];
  }

  cell(run, i) {
    const text = run.abstains[i] ? "" : this.answer(run, i);
    const cell = make("td", {}, make("span", { class: run.exact[i] ? "right" : "wrong" },
      text ? text : make("span", { class: "none" }, "no answer")));
    const odds = run.odds === null ? "" : `, null odds ${run.odds[i]}`;
    cell.append(make("span", { class: "meta" }, `F1 ${run.f1[i]}${odds}`));
    return cell;
  }

  detail(i, shown) {
    const cell = make("td", { colspan: shown.length + 2 });
    const legend = make("div", { class: "legend" }, make("span", { class: "gold" }, "gold"));
    shown.forEach((run, n) => legend.append(
      make("span", { class: "r" + n }, `best span of ${this.data.runs[run].label}`)));
    cell.append(legend, this.marked(i, shown));
    return make("tr", { class: "detail" }, cell);
  }

  // The context in pieces, each in one element for every span that covers it.
  marked(i, shown) {
    const spans = this.data.questions.golds[i].map((span) => [...span, "gold"]);
    shown.forEach((run, n) => {
      const [start, end] = this.data.runs[run].span[i];
      if (end > start) spans.push([start, end, "r" + n]);
    });
    const text = this.context(i);
    const borders = [...new Set([0, text.length, ...spans.flatMap(([s, e]) => [s, e])])]
      .sort((x, y) => x - y);
    const paragraph = make("p", { class: "context" });
    for (let at = 0; at + 1 < borders.length; at++) {
      const [start, end] = [borders[at], borders[at + 1]];
      let piece = document.createTextNode(text.slice(start, end));
      for (const [from, to, name] of spans) {
        if (from <= start && end <= to) piece = make("span", { class: name }, piece);
      }
      paragraph.append(piece);
    }
    return paragraph;
  }
}

for (const root of document.querySelectorAll(".browser")) {
  const source = document.getElementById(root.dataset.source);
  new Browser(root, JSON.parse(source.textContent));
}
