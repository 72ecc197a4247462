"use strict";
// Everything shown comes through textContent: no text of the data is ever parsed as markup.
const PAGE = 50;
const MOST_RUNS = 4;
const TAGS = ["①", "②", "③", "④"];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Characters that cannot be seen, or that turn the text around them, are named as on the terminal.
function visible(text) {
  return text.replace(/(?![\t\n\r\u200c\u200d])\p{C}/gu,
    (one) => `⟨U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// A minus sign is the same as in tables and figures.
function fixed(number) {
  return number.toFixed(2).replace("-", "−");
}

// Text of the data may be written from right to left.
function quoted(text, attributes = {}) {
  return make("bdi", attributes, visible(text));
}

function select(options, chosen, onchange) {
  const element = make("select", { onchange: (event) => onchange(event.target.value) });
  for (const [value, text] of options) {
    element.append(make("option", { value, selected: String(value) === String(chosen) },
      visible(text)));
  }
  return element;
}

const TYPES = Object.fromEntries([Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array,
  Int32Array, Float64Array].map((type) => [type.name, type]));

// Inflated bytes are the place of the JSON, columns of numbers, and the JSON that names them.
async function unpack(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const json = new Uint8Array(buffer, new DataView(buffer).getUint32(0, true));
  return JSON.parse(new TextDecoder().decode(json), (_, value) =>
    typeof value?.type === "string" ? new TYPES[value.type](buffer, value.at, value.length) : value);
}

// Spans of each question, in UTF-16 units.
class Spans {
  constructor(columns) { Object.assign(this, columns); }

  at(place) { return [this.start[place], this.start[place] + this.length[place]]; }

  of(question, n) { return this.at(this.first[question] + n); }

  all(question) {
    const found = [];
    for (let at = this.first[question]; at < this.first[question + 1]; at++) found.push(this.at(at));
    return found;
  }
}

// What one run answered, by question.
class Run {
  constructor(columns, spans) {
    Object.assign(this, columns);
    this.spans = spans;
    this.label = `${this.system} seed ${this.seed}`;
  }

  abstains(i) { return (this.state[i] & 1) !== 0; }

  right(i) { return (this.state[i] & 2) !== 0; }

  // Its place in the names of faults, -1 for none.
  faultOf(i) { return (this.state[i] >> 2) - 1; }

  f1Of(i) { return this.f1[i] / 100; }

  oddsOf(i) { return this.odds === null ? null : this.odds.values[i] / this.odds.per; }

  place(i) { return this.spans.of(i, this.span[i]); }
}

const RESULTS = {
  "all questions": () => true,
  "A right, B wrong": (a, b) => a && !b,
  "B right, A wrong": (a, b) => b && !a,
  "A and B differ": (a, b) => a !== b,
  "A right": (a) => a,
  "A wrong": (a) => !a,
  "both right": (a, b) => a && b,
  "both wrong": (a, b) => !a && !b,
};

// By name, what questions are sorted by, the smallest first; the data's order breaks ties.
const ORDERS = {
  "as in the data": null,
  "question, A to Z": (page, i) => page.asked.text[i],
  "article, A to Z": (page, i) => page.article(i),
  "F1 of A, lowest first": (page, i) => page.a.f1Of(i),
  "F1 of A above B, most first": (page, i) => page.b.f1Of(i) - page.a.f1Of(i),
  "F1 of B above A, most first": (page, i) => page.a.f1Of(i) - page.b.f1Of(i),
  "null odds of A, highest first": (page, i) => -page.a.oddsOf(i),
};

class Browser {
  constructor(root, data) {
    this.data = data;
    this.asked = data.questions;
    this.count = this.asked.id.length;
    this.goldSpans = new Spans(this.asked.golds);
    this.articles = data.kinds.find(({ group }) => group === "article");
    const spans = new Spans(data.spans);
    this.runs = data.runs.map((run) => new Run(run, spans));
    this.searched = this.asked.id.map((id, i) =>
      [id, this.asked.text[i], this.article(i)].join("\n").toLowerCase());
    this.searchedContexts = data.contexts.map((text) => text.toLowerCase());
    this.open = new Set();
    this.state = this.start();
    this.status = make("span", { role: "status" });
    this.turns = [["first", () => 0], ["previous", () => this.state.page - 1],
      ["next", () => this.state.page + 1], ["last", () => this.pages - 1]].map(([text, to]) =>
      make("button", { type: "button", onclick: () => this.turn(to()) }, text));
    this.head = make("thead");
    this.body = make("tbody");
    const table = make("table", { class: "questions" },
      make("caption", { class: "unseen" }, "Questions with golds and answers"),
      this.head, this.body);
    root.append(this.filters(), this.columns(),
      make("div", { class: "pager" }, this.status, ...this.turns),
      make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "questions" }, table));
    this.update();
  }

  start() {
    const first = this.firstRuns();
    return {
      a: first[0], b: first[1] ?? this.runs.length - 1, shown: first.slice(0, MOST_RUNS),
      result: "all questions", order: "as in the data", fault: "", kinds: {}, text: "", page: 0,
    };
  }

  get a() { return this.runs[this.state.a]; }
  get b() { return this.runs[this.state.b]; }

  article(i) {
    const { names, of } = this.articles;
    return of[i] < 0 ? "" : names[of[i]];
  }

  // The first seed of each system.
  firstRuns() {
    const systems = this.runs.map((run) => run.system);
    return systems.map((_, i) => i).filter((i) => systems.indexOf(systems[i]) === i);
  }

  change(changed) {
    Object.assign(this.state, changed, { page: 0 });
    this.update();
  }

  filters() {
    const runs = this.runs.map((run, i) => [i, run.label]);
    const named = (names) => names.map((name) => [name, name]);
    const paired = runs.length > 1;
    const usable = (names) => names.filter((name) => paired || !/\bB\b|both/.test(name));
    const controls = [["run A", select(runs, this.state.a, (i) => this.change({ a: Number(i) }))]];
    if (paired) {
      controls.push(["run B", select(runs, this.state.b, (i) => this.change({ b: Number(i) }))]);
    }
    controls.push(
      ["show", select(named(usable(Object.keys(RESULTS))), this.state.result,
        (result) => this.change({ result }))],
      ["error of A", select([["", "all"], ...this.data.faults.map((name, i) => [i, name])],
        "", (fault) => this.change({ fault }))]);
    for (const [n, { group, names }] of this.data.kinds.entries()) {
      if (names.length < 2) continue;
      controls.push([group, select([["", "all"], ...names.map((name, i) => [i, name])], "",
        (kind) => this.change({ kinds: { ...this.state.kinds, [n]: kind } }))]);
    }
    controls.push(
      ["search", make("input", {
        type: "search", placeholder: "question, context, article or id",
        oninput: (event) => this.change({ text: event.target.value.toLowerCase() }),
      })],
      ["order", select(named(usable(Object.keys(ORDERS))), this.state.order,
        (order) => this.change({ order }))]);
    return make("form", {
      class: "filters", autocomplete: "off",
      onsubmit: (event) => event.preventDefault(),
      onreset: () => this.change(this.start()),
    }, ...controls.map(([text, control]) => make("label", {}, text, control)),
    make("button", { type: "reset" }, "clear"));
  }

  // Which runs have a column: A and B always.
  columns() {
    this.boxes = this.runs.map((_, i) => make("input", {
      type: "checkbox",
      onchange: ({ target }) => {
        const others = this.shown().filter((one) => one !== i);
        this.state.shown = target.checked ? [...others, i] : others;
        this.show();
      },
    }));
    return make("details", { class: "columns", hidden: this.runs.length < 2 },
      make("summary", {}, `Runs shown (A, B and others, at most ${MOST_RUNS})`),
      ...this.runs.map((run, i) =>
        make("label", {}, this.boxes[i], quoted(run.label))));
  }

  shown() {
    const { a, b, shown } = this.state;
    return [...new Set([a, b, ...shown])].slice(0, MOST_RUNS);
  }

  // The questions that match all filters, in the data's order.
  passing() {
    const { result, fault, kinds, text } = this.state;
    const right = RESULTS[result];
    const columns = Object.entries(kinds).filter(([, kind]) => kind !== "")
      .map(([n, kind]) => [this.data.kinds[n].of, Number(kind)]);
    const within = this.searchedContexts.map((context) => context.includes(text));
    const found = [];
    for (let i = 0; i < this.count; i++) {
      if (right(this.a.right(i), this.b.right(i))
        && (fault === "" || this.a.faultOf(i) === Number(fault))
        && columns.every(([of, kind]) => of[i] === kind)
        && (within[this.asked.context[i]] || this.searched[i].includes(text))) found.push(i);
    }
    return found;
  }

  ordered(found) {
    const key = ORDERS[this.state.order];
    if (key === null) return found;
    const keys = new Map(found.map((i) => [i, key(this, i)]));
    const { compare } = new Intl.Collator("en", { numeric: true });
    const smaller = (x, y) => typeof x === "string" ? compare(x, y) : x - y;
    return found.sort((i, j) => smaller(keys.get(i), keys.get(j)) || i - j);
  }

  update() {
    this.found = this.ordered(this.passing());
    this.show();
  }

  turn(page) {
    if (page < 0 || page >= this.pages) return;
    this.state.page = page;
    this.show();
  }

  // The controls are kept, so that they keep the keyboard's focus.
  show() {
    const { page } = this.state;
    this.pages = Math.max(1, Math.ceil(this.found.length / PAGE));
    this.status.textContent =
      `${this.found.length} of ${this.count} questions, page ${page + 1} of ${this.pages}`;
    this.turns.forEach((button, n) =>
      button.setAttribute("aria-disabled", String(n < 2 ? page === 0 : page === this.pages - 1)));
    const shown = this.shown();
    this.boxes.forEach((box, i) => {
      box.checked = shown.includes(i);
      box.disabled = i === this.state.a || i === this.state.b
        || (!box.checked && shown.length === MOST_RUNS);
    });
    this.head.replaceChildren(make("tr", {},
      make("th", { class: "ask", scope: "col" }, "question"), make("th", { scope: "col" }, "gold"),
      ...shown.map((i, n) => this.heading(i, n))));
    const rows = this.found.slice(page * PAGE, (page + 1) * PAGE)
      .flatMap((i) => this.rows(i, shown));
    this.body.replaceChildren(...(rows.length ? rows
      : [make("tr", {}, make("td", { colspan: shown.length + 2 }, "No question matches these filters."))]));
  }

  heading(i, n) {
    const run = this.runs[i];
    const role = [i === this.state.a && "A", i === this.state.b && "B"].filter(Boolean).join(", ");
    return make("th", { scope: "col" }, `${TAGS[n]} `, quoted(run.system),
      make("span", { class: "meta" }, `seed ${run.seed}${role && `, run ${role}`}`));
  }

  context(i) { return this.data.contexts[this.asked.context[i]]; }

  answer(run, i) {
    return run.text[i] ?? this.context(i).slice(...run.place(i));
  }

  rows(i, shown) {
    const toggle = make("button", {
      type: "button", class: "open", "aria-expanded": String(this.open.has(i)),
      onclick: () => {
        if (this.open.delete(i)) row.nextSibling.remove();
        else { this.open.add(i); row.after(this.detail(i, shown)); }
        toggle.setAttribute("aria-expanded", String(this.open.has(i)));
      },
    }, quoted(this.asked.text[i]));
    const row = make("tr", {},
      make("th", { scope: "row" }, toggle,
        make("span", { class: "meta" }, quoted(this.article(i)), this.article(i) && " · ",
          quoted(this.asked.id[i]))),
      make("td", {}, ...this.golds(i)), ...shown.map((one) => this.cell(this.runs[one], i)));
    return this.open.has(i) ? [row, this.detail(i, shown)] : [row];
  }

  golds(i) {
    const placed = this.goldSpans.all(i).map((span) => this.context(i).slice(...span));
    const texts = new Set([...placed, ...(this.asked.unplaced[i] ?? [])]);
    return texts.size ? [...texts].map((text) => quoted(text, { class: "one" }))
      : [make("span", { class: "none" }, "no answer")];
  }

  cell(run, i) {
    const text = run.abstains(i) ? "" : this.answer(run, i);
    const right = run.right(i);
    const odds = run.odds === null ? "" : `, null odds ${fixed(run.oddsOf(i))}`;
    return make("td", {},
      make("span", { class: right ? "right" : "wrong" },
        make("span", { class: "unseen" }, right ? "right: " : "wrong: "),
        text ? quoted(text) : make("span", { class: "none" }, "no answer")),
      make("span", { class: "meta" }, `F1 ${fixed(run.f1Of(i))}${odds}`),
      make("span", { class: "meta" }, this.data.faults[run.faultOf(i)] ?? ""));
  }

  detail(i, shown) {
    const legend = make("p", { class: "legend" },
      make("span", { class: "gold starts ends" }, "gold"));
    shown.forEach((one, n) => {
      const run = this.runs[one];
      legend.append(make("span", {}, make("span", { class: `r${n}` }, quoted(run.label)),
        make("sup", {}, this.tag(run, i, n)), this.placeless(run, i)));
    });
    if (shown.some((one) => this.runs[one].abstains(i))) {
      legend.append(make("span", {}, "in brackets: its best span, which it did not give as its answer"));
    }
    return make("tr", { class: "detail" },
      make("td", { colspan: shown.length + 2 }, legend, this.marked(i, shown)));
  }

  tag(run, i, n) { return run.abstains(i) ? `(${TAGS[n]})` : TAGS[n]; }

  placeless(run, i) {
    const [start, end] = run.place(i);
    if (end > start) return "";
    return this.answer(run, i) ? " (place in the context unknown)" : " (no span)";
  }

  // The context in pieces, each inside one element for every span that covers it.
  marked(i, shown) {
    const golds = this.goldSpans.all(i);
    const spans = shown.map((one, n) => {
      const run = this.runs[one];
      return [...run.place(i), `r${n}`, this.tag(run, i, n)];
    }).filter(([start, end]) => end > start);
    const text = this.context(i);
    const ends = [...golds, ...spans].flatMap(([start, end]) => [start, end]);
    const borders = [...new Set([0, text.length, ...ends])].sort((x, y) => x - y);
    const paragraph = make("p", { class: "context", dir: "auto" });
    for (let at = 0; at + 1 < borders.length; at++) {
      const [start, end] = [borders[at], borders[at + 1]];
      const covers = ([from, to]) => from <= start && end <= to;
      let piece = document.createTextNode(visible(text.slice(start, end)));
      for (const [, , name] of spans.filter(covers)) piece = make("span", { class: name }, piece);
      if (golds.some(covers)) {
        const starts = golds.some(([from]) => from === start) ? " starts" : "";
        const stops = golds.some(([, to]) => to === end) ? " ends" : "";
        piece = make("span", { class: `gold${starts}${stops}` }, piece);
      }
      paragraph.append(piece);
      const tags = spans.filter(([, to]) => to === end).map(([, , , tag]) => tag).join("");
      if (tags) paragraph.append(make("sup", {}, tags));
    }
    return paragraph;
  }
}

async function browse(root) {
  if (!("DecompressionStream" in globalThis)) {
    root.append("This browser cannot unpack the questions: open the page with Chrome or Edge 80, "
      + "Firefox 113, Safari 16.4, or a newer one.");
    return;
  }
  const { textContent } = document.getElementById(root.dataset.source);
  const data = await unpack(textContent).catch(() => null);
  if (data) new Browser(root, data);
  else root.append("The questions cannot be unpacked: this file is damaged. Write it again with qabench report.");
}

const browsers = Promise.all([...document.querySelectorAll(".browser")].map(browse));
