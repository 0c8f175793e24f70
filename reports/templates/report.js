// The page at work: charts and rules need no script; the worklist is filtered, sorted and drawn here.

const STEP = 100;
const byId = (id) => document.getElementById(id);
const table = byId("findings");
openTarget();
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", () => {
  for (const rule of document.querySelectorAll("details[data-print]")) rule.open = true;
});
if (!table) return;

// A column of the worklist: its heading, the data column it sorts by, how a cell is filled.
const COLUMNS = [
  { name: "severity", fill: (cell, row) => cell.append(badge(text("severity", row))) },
  { name: "claim_id", label: "Claim / line", fill: fillClaim },
  { name: "patient_id", kind: "patient" },
  { name: "service_date", kind: "nowrap" },
  { name: "procedure_code", kind: "nowrap", fill: fillCode },
  { name: "amount", kind: "figure", fill: (cell, row) => cell.append(dollars(number("amount", row))) },
  { name: "money", kind: "nowrap", fill: (cell, row) => cell.append(data.money[text("money", row)]) },
  { name: "rule", kind: "title", fill: (cell, row) => cell.append(title(row)) },
  { name: "message", kind: "message" },
  { name: "payer" },
  { name: "claim_type", kind: "nowrap" },
  { name: "family", fill: (cell, row) => cell.append(family(row)) },
  { name: "place_of_service" },
  { name: "revenue_code" },
  { name: "units", kind: "figure" },
  { name: "department" },
  { name: "billing_npi" },
  { name: "status" },
  { name: "source_row", kind: "figure" },
  { name: "finding" },
];
const USUAL = ["severity", "claim_id", "patient_id", "service_date", "procedure_code", "amount", "money", "rule", "message", "payer"];
const NARROW = ["severity", "claim_id", "amount", "message"];
const CHOICES = ["family", "rule", "payer", "claim_type", "money"];
const GROUPS = ["", "rule", "story"];
const FACTS = ["denial_codes", "claim_id", "line_number", "patient_id", "service_date", "procedure_code", "modifiers", "units", "place_of_service", "revenue_code", "claim_type", "payer", "payer_type", "department", "billing_npi", "rendering_npi", "partner_claim_id", "partner_line_number", "other_partners", "status"];

let data = null;
let shown = [];
let drawn = 0;
let open = -1;
let words = null;
let sums = null;
let rowOf = null;
let sizes = null;
const usual = window.matchMedia("(max-width: 40rem)").matches ? NARROW : USUAL;
const state = fresh();

unpack(byId("payload").textContent).then(start, () => {
  byId("count").textContent += " This browser can't unpack the rest; all findings are in findings.csv.";
});

function fresh() {
  return { q: "", severity: [], family: "", rule: "", payer: "", claim_type: "", money: "", pattern: "", story: "", sort: "", group: "", hide: false, columns: usual };
}

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function start(content) {
  data = content;
  rowOf = new Map();
  for (let row = 0; row < data.count; row++) rowOf.set(text("finding", row), row);
  fillChoices();
  fillColumns();
  listen();
  byId("filters").hidden = false;
  readHash();
  setTimeout(haystack, 200);
}

// Cells -------------------------------------------------------------------------------------
function text(name, row) {
  const column = data.columns[name];
  const value = column.words ? column.words[column.codes[row]] : column.values[row];
  return value === null ? "" : String(value);
}
function number(name, row) { return data.columns[name].values[row]; }
function title(row) { return data.titles[text("rule", row)] || text("rule", row); }
function family(row) { return data.families[text("family", row)] || text("family", row); }
function dollars(cents) {
  if (cents === null) return "";
  return (cents < 0 ? "−$" : "$") + (Math.abs(cents) / 100).toLocaleString("en-US", { minimumFractionDigits: 2 });
}
function claim(row) {
  const line = text("line_number", row);
  return text("claim_id", row) + (line ? " / " + line : "");
}
function make(tag, kind, content) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (content !== undefined) node.textContent = content;
  return node;
}
function badge(severity) {
  const node = make("span", "badge " + severity);
  const mark = make("span", "mark");
  mark.setAttribute("aria-hidden", "true");
  node.append(mark, data.severities[severity] || severity);
  return node;
}
function fillClaim(cell, row) {
  const link = make("a", "", claim(row));
  link.href = "#finding-" + text("finding", row);
  link.dataset.open = text("finding", row);
  cell.append(link);
}
function fillCode(cell, row) {
  cell.append(text("procedure_code", row));
  const modifiers = text("modifiers", row);
  if (modifiers) cell.append(" ", make("span", "quiet", modifiers));
}

// Controls ----------------------------------------------------------------------------------
function fillChoices() {
  const labels = { family: data.families, rule: data.titles, money: data.money };
  for (const name of CHOICES) {
    const counts = new Map();
    for (let row = 0; row < data.count; row++) {
      const value = text(name, row);
      counts.set(value, (counts.get(value) || 0) + 1);
    }
    const options = [...counts].filter(([value]) => value).map(([value, count]) => {
      const option = make("option", "", `${(labels[name] || {})[value] || value} (${count.toLocaleString("en-US")})`);
      option.value = value;
      return option;
    });
    options.sort((one, other) => (one.textContent < other.textContent ? -1 : 1));
    byId("filter-" + name.replace("_", "-")).append(...options);
  }
}
function fillColumns() {
  for (const column of COLUMNS) {
    column.label = column.label || data.labels[column.name];
    const box = make("input");
    box.type = "checkbox";
    box.name = "column";
    box.value = column.name;
    const label = make("label", "check");
    label.append(box, " " + column.label);
    byId("columns").append(label);
  }
}
function listen() {
  const form = byId("filters");
  let waiting = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { readControls(); refresh(); }, 80);
  });
  byId("reset").addEventListener("click", () => { Object.assign(state, fresh()); refresh(); });
  byId("widen").addEventListener("click", () => { state.pattern = state.story = ""; refresh(); byId("search").focus(); });
  byId("export").addEventListener("click", download);
  byId("more").addEventListener("click", more);
  byId("close").addEventListener("click", () => byId("drawer").close());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("copy").addEventListener("click", copy);
  byId("drawer").addEventListener("close", closed);
  byId("drawer").addEventListener("click", (event) => { if (event.target === byId("drawer")) byId("drawer").close(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(rowOf.get(link.dataset.open));
  });
  document.addEventListener("click", (event) => {
    const menu = document.querySelector(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector(".menu[open]");
    if (event.key === "Escape" && menu) { menu.open = false; menu.firstElementChild.focus(); }
  });
  window.addEventListener("hashchange", readHash);
}
function readControls() {
  const form = byId("filters");
  state.q = byId("search").value.trim();
  state.severity = checked(form, "severity");
  for (const name of CHOICES) state[name] = form.elements[name].value;
  state.group = byId("group").value;
  state.hide = byId("hide-patients").checked;
  const columns = checked(form, "column");
  state.columns = columns.length ? columns : usual;
}
function checked(form, name) {
  return [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
}
function writeControls() {
  const form = byId("filters");
  if (byId("search").value.trim() !== state.q) byId("search").value = state.q;
  for (const box of form.querySelectorAll('input[name="severity"]')) box.checked = state.severity.includes(box.value);
  for (const box of form.querySelectorAll('input[name="column"]')) box.checked = state.columns.includes(box.value);
  for (const name of CHOICES) form.elements[name].value = state[name];
  byId("group").value = state.group;
  byId("hide-patients").checked = state.hide;
  document.documentElement.classList.toggle("hide-patients", state.hide);
}

// The address: finding-<id> opens a finding; the rest is the state of the worklist -----------
function readHash() {
  const parts = location.hash.slice(1).split("&").filter(Boolean);
  const finding = parts.find((part) => part.startsWith("finding-"));
  const given = new URLSearchParams(location.hash.slice(1));
  const known = Object.keys(state).filter((name) => given.has(name));
  if (parts.length && !finding && !known.length) { if (!shown.length) refresh(false); return; }
  Object.assign(state, fresh());
  for (const name of known) {
    const value = given.get(name);
    if (Array.isArray(state[name])) state[name] = value.split(",").filter(Boolean);
    else state[name] = typeof state[name] === "boolean" ? value === "1" : value;
  }
  if (!GROUPS.includes(state.group)) state.group = "";
  state.columns = state.columns.filter((name) => COLUMNS.some((column) => column.name === name));
  if (!state.columns.length) state.columns = usual;
  refresh(false);
  if (finding && rowOf.has(finding.slice(8))) show(rowOf.get(finding.slice(8)));
  else if (known.length) byId("worklist").scrollIntoView({ behavior: "instant" });
}
function writeHash() {
  const given = new URLSearchParams();
  const usualState = fresh();
  for (const [name, value] of Object.entries(state)) {
    if (String(value) === String(usualState[name])) continue;
    given.set(name, value === true ? "1" : String(value));
  }
  const parts = open >= 0 ? ["finding-" + text("finding", open)] : [];
  if ([...given].length) parts.push(given.toString());
  const target = parts.length ? "#" + parts.join("&") : location.pathname + location.search;
  history.replaceState(null, "", target);
}

// Filter, sort, draw ------------------------------------------------------------------------
function refresh(remember = true) {
  writeControls();
  shown = sorted(filtered());
  sayNarrowed();
  drawHead();
  table.tBodies[0].replaceChildren();
  drawn = 0;
  sums = added(shown);
  more();
  if (remember) writeHash();
}
function filtered() {
  const tests = CHOICES.filter((name) => state[name]).map((name) => sameAs(name, [state[name]]));
  if (state.severity.length) tests.push(sameAs("severity", state.severity));
  for (const name of ["pattern", "story"]) if (state[name]) tests.push(sameAs(name, [state[name]]));
  const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length) {
    const hay = haystack();
    tests.push((row) => terms.every((term) => hay[row].includes(term)));
  }
  const rows = [];
  for (let row = 0; row < data.count; row++) if (tests.every((test) => test(row))) rows.push(row);
  return rows;
}
function sameAs(name, values) {
  const column = data.columns[name];
  if (!column.words) return (row) => values.includes(text(name, row));
  const wanted = column.words.map((word) => values.includes(word));
  return (row) => wanted[column.codes[row]];
}
function haystack() {
  const fields = ["claim_id", "procedure_code", "modifiers", "message", "payer", "rule", "finding", "revenue_code"];
  if (!state.hide) fields.push("patient_id");
  const key = fields.join(" ");
  if (!words || words.key !== key) {
    words = { key, rows: Array.from({ length: data.count }, (_, row) => fields.map((name) => text(name, row)).join("\n").toLowerCase()) };
  }
  return words.rows;
}
function sorted(rows) {
  const name = state.sort.replace(/^-/, "");
  if (data.columns[name]) {
    const column = data.columns[name];
    const keys = name === "severity" ? column.codes.map((code) => Object.keys(data.severities).indexOf(column.words[code])) : column.codes || column.values;
    const sign = state.sort.startsWith("-") ? -1 : 1;
    rows.sort((one, other) => compare(keys[one], keys[other], sign) || one - other);
  }
  return state.group ? grouped(rows) : rows;
}
function compare(one, other, sign) {
  if (one === other) return 0;
  if (one === null || one === "") return 1;
  if (other === null || other === "") return -1;
  return one < other ? -sign : sign;
}
function columnsShown() {
  return COLUMNS.filter((column) => state.columns.includes(column.name) && !(state.hide && column.name === "patient_id"));
}
function drawHead() {
  const row = make("tr");
  for (const column of columnsShown()) {
    const head = make("th", column.kind === "figure" ? "figure" : "");
    head.scope = "col";
    if (state.sort.replace(/^-/, "") === column.name) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    const button = make("button", "", column.label);
    button.type = "button";
    button.addEventListener("click", () => {
      const first = column.kind === "figure" ? "-" + column.name : column.name;
      const second = column.kind === "figure" ? column.name : "-" + column.name;
      state.sort = state.sort === first ? second : state.sort === second ? "" : first;
      refresh();
      table.tHead.querySelectorAll("button")[columnsShown().indexOf(column)].focus();
    });
    head.append(button);
    row.append(head);
  }
  table.tHead.replaceChildren(row);
}
function more() {
  const columns = columnsShown();
  const until = Math.min(drawn + STEP, shown.length);
  const rows = document.createDocumentFragment();
  for (; drawn < until; drawn++) {
    if (state.group && (drawn === 0 || text(state.group, shown[drawn]) !== text(state.group, shown[drawn - 1]))) rows.append(groupRow(shown[drawn], columns.length));
    rows.append(findingRow(shown[drawn], columns));
  }
  table.tBodies[0].append(rows);
  const rest = shown.length - drawn;
  byId("more").hidden = rest === 0;
  byId("more").textContent = `Show ${Math.min(STEP, rest)} more`;
  byId("export").disabled = shown.length === 0;
  byId("count").textContent = said();
}
function findingRow(row, columns) {
  const line = make("tr");
  line.id = "finding-" + text("finding", row);
  for (const column of columns) {
    const cell = make(column.name === "claim_id" ? "th" : "td", column.kind || (column.name === "claim_id" ? "nowrap" : ""));
    if (column.name === "claim_id") cell.scope = "row";
    if (column.fill) column.fill(cell, row);
    else cell.textContent = text(column.name, row);
    line.append(cell);
  }
  return line;
}
// Each line's money once: by the finding that carries it in the totals, else by the first shown.
function added(rows) {
  const total = { at_risk: 0, missed: 0 };
  const seen = { at_risk: new Set(), missed: new Set() };
  for (const carrier of ["yes", "no"]) {
    for (const row of rows) {
      const money = text("money", row);
      const cents = number("amount", row);
      if (text("counts_money", row) !== carrier || cents === null || !seen[money] || seen[money].has(number("line", row))) continue;
      seen[money].add(number("line", row));
      total[money] += cents;
    }
  }
  return total;
}
function said() {
  if (!shown.length) return `No finding fits; ${data.count.toLocaleString("en-US")} in all.`;
  const count = (value) => value.toLocaleString("en-US");
  const found = shown.length === 1 ? "1 finding" : `${count(shown.length)} findings`;
  const of = shown.length === data.count ? "" : ` of ${count(data.count)}`;
  const rows = drawn < shown.length ? `, first ${count(drawn)} drawn` : "";
  const studies = state.group === "story" ? ` in ${count(sizes.size)} ${sizes.size === 1 ? "study" : "studies"}` : "";
  return `${found}${of}${studies}${rows}: ${dollars(sums.at_risk)} at risk, ${dollars(sums.missed)} missed, each line once.`;
}

function openTarget() {
  const target = location.hash.length > 1 && byId(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}
