// The list: filter, sort, draw what is seen, add up what is shown.

const STEP = 100;
let shown = [];
let drawn = 0;
let words = null;
let sums = null;

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
// Waived and resolved findings are listed only where they are asked for, and never with the others.
function filtered() {
  const apart = LISTS_APART.includes(state.status);
  const tests = choices().filter((name) => state[name]).map((name) => sameAs(name, name === "disposition" && state[name] === "undecided" ? UNDECIDED : [state[name]]));
  if (state.severity.length) tests.push(sameAs("severity", state.severity));
  for (const name of ["pattern", "story"]) if (state[name]) tests.push(sameAs(name, [state[name]]));
  const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length) {
    const hay = haystack();
    tests.push((row) => terms.every((term) => hay[row].includes(term)));
  }
  const rows = [];
  const until = apart ? data.count : data.open;
  for (let row = apart ? data.open : 0; row < until; row++) if (tests.every((test) => test(row))) rows.push(row);
  return rows;
}
function sameAs(name, values) {
  const column = data.columns[name];
  if (!column.words) return (row) => values.includes(text(name, row));
  const wanted = column.words.map((word) => values.includes(word));
  return (row) => wanted[column.codes[row]];
}
function haystack() {
  const fields = ["service_date", "procedure_code", "modifiers", "message", "payer", "rule", "finding", "revenue_code", "billing_npi", "rendering_npi", "department"];
  if (data.decided) fields.push("owner");
  if (!state.hide) fields.push("patient_id");
  const key = fields.join(" ");
  if (!words || words.key !== key) {
    words = { key, rows: Array.from({ length: data.count }, (_, row) => [title(row), claim(row), ...fields.map((name) => text(name, row))].join("\n").toLowerCase()) };
  }
  return words.rows;
}
function sorted(rows) {
  const name = state.sort.replace(/^-/, "");
  if (data.columns[name]) {
    const column = data.columns[name];
    const keys = name === "severity" ? column.codes.map((code) => Object.keys(data.severities).indexOf(column.words[code])) : column.codes || column.values;
    const blank = name !== "severity" && column.words ? column.words.indexOf("") : "";
    const sign = state.sort.startsWith("-") ? -1 : 1;
    rows.sort((one, other) => compare(keys[one], keys[other], sign, blank) || one - other);
  }
  return state.group ? grouped(rows) : rows;
}
// Blanks stand last, whichever way.
function compare(one, other, sign, blank) {
  if (one === other) return 0;
  if (one === null || one === blank) return 1;
  if (other === null || other === blank) return -1;
  return one < other ? -sign : sign;
}
function columnsShown() {
  return columnsOffered().filter((column) => state.columns.includes(column.name) && !(state.hide && column.name === "patient_id"));
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
function more(until = drawn + STEP) {
  const columns = columnsShown();
  const rows = document.createDocumentFragment();
  for (; drawn < Math.min(until, shown.length); drawn++) {
    const same = drawn && text(state.group || "finding", shown[drawn]) === text(state.group || "finding", shown[drawn - 1]);
    if (state.group && !same) rows.append(groupRow(shown[drawn], columns.length));
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
    const cell = make(column.name === "claim_id" ? "th" : "td", column.kind || "");
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
      const kind = text("money", row);
      const cents = number("amount", row);
      if (text("counts_money", row) !== carrier || cents === null || !seen[kind] || seen[kind].has(number("line", row))) continue;
      seen[kind].add(number("line", row));
      total[kind] += cents;
    }
  }
  return total;
}
function said() {
  const apart = LISTS_APART.includes(state.status);
  const whole = apart ? data.apart[state.status] : data.open;
  const kind = apart ? `${state.status} finding` : "finding";
  if (!shown.length) return `No finding fits; ${count(whole)} in all.`;
  const of = shown.length === whole ? "" : ` of ${count(whole)}`;
  const rows = drawn < shown.length ? `, first ${count(drawn)} drawn` : "";
  const studies = state.group === "story" ? ` in ${count(sizes.size)} ${sizes.size === 1 ? "study" : "studies"}` : "";
  const not = apart ? "; not in the totals of this report" : "";
  return `${many(shown.length, kind)}${of}${studies}${rows}: ${dollars(sums.at_risk)} at risk, ${dollars(sums.missed)} missed, each line once${not}.`;
}
