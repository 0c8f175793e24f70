// The findings as data, and how a cell of the list shows them. Text reaches the page as text only.

const byId = (id) => document.getElementById(id);

// ``columns`` of the data: words and codes where values repeat, else values. Rows before
// ``data.open`` are the findings of the run; after them stand the waived, then the resolved ones.
let data = null;
const rowOf = new Map();

// A column of the list: its heading, the data column it sorts by, how a cell is filled.
const COLUMNS = [
  { name: "severity", fill: (cell, row) => cell.append(badge(text("severity", row))) },
  { name: "claim_id", label: "Claim / line", kind: "nowrap", fill: fillClaim },
  { name: "patient_id", kind: "patient" },
  { name: "service_date", kind: "nowrap" },
  { name: "procedure_code", kind: "nowrap", fill: fillCode },
  { name: "amount", kind: "figure", fill: fillAmount },
  { name: "money", kind: "nowrap", fill: (cell, row) => cell.append(money(row)) },
  { name: "rule", kind: "title", fill: (cell, row) => cell.append(title(row)) },
  { name: "message", kind: "message", fill: fillMessage },
  { name: "payer" },
  { name: "status", kind: "nowrap", fill: fillStatus },
  { name: "first_seen", kind: "nowrap", history: true },
  { name: "disposition", decided: true },
  { name: "owner", decided: true },
  { name: "claim_type", kind: "nowrap" },
  { name: "family", fill: (cell, row) => cell.append(family(row)) },
  { name: "place_of_service" },
  { name: "revenue_code" },
  { name: "units", kind: "figure" },
  { name: "department" },
  { name: "billing_npi" },
  { name: "rendering_npi" },
  { name: "source_row", kind: "figure" },
  { name: "finding" },
];
const USUAL = ["severity", "claim_id", "patient_id", "service_date", "procedure_code", "amount", "message", "payer"];
const NARROW = ["claim_id", "amount", "message"];

function text(name, row) {
  const column = data.columns[name];
  const value = column.words ? column.words[column.codes[row]] : column.values[row];
  return value === null ? "" : String(value);
}
function number(name, row) { return data.columns[name].values[row]; }
function title(row) { return data.titles[text("rule", row)] || text("rule", row); }
function family(row) { return data.families[text("family", row)] || text("family", row); }
function money(row) { return data.money[text("money", row)] || text("money", row); }
function basis(row) { return data.basis_words[text("amount_basis", row)] || ""; }
function status(row) { return data.statuses[text("status", row)] || text("status", row); }
function count(value) { return value.toLocaleString("en-US"); }
function many(value, noun) { return `${count(value)} ${noun}${value === 1 ? "" : "s"}`; }
function dollars(cents) {
  if (cents === null) return "";
  return (cents < 0 ? "−$" : "$") + (Math.abs(cents) / 100).toLocaleString("en-US", { minimumFractionDigits: 2 });
}
function claim(row) {
  const line = text("line_number", row);
  return text("claim_id", row) + (line ? " / " + line : "");
}
// Days from when a finding was first seen to the day the audit looks from.
function age(row) {
  const seen = data.history && text("first_seen", row);
  return seen ? Math.round((Date.parse(data.as_of) - Date.parse(seen)) / 86400000) : null;
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
  const link = make("a", "claim", claim(row));
  link.href = "#finding-" + text("finding", row);
  link.dataset.open = text("finding", row);
  cell.append(link);
  if (!state.columns.includes("severity")) cell.append(make("br"), badge(text("severity", row)));
}
function fillCode(cell, row) {
  cell.append(text("procedure_code", row));
  const modifiers = text("modifiers", row);
  if (modifiers) cell.append(" ", make("span", "quiet", modifiers));
}
function fillAmount(cell, row) {
  cell.append(dollars(number("amount", row)));
  if (number("amount", row) === null) return;
  const words = [basis(row)];
  if (!state.columns.includes("money")) words.unshift(money(row));
  cell.append(make("span", "under", words.filter(Boolean).join(", ")));
}
function fillMessage(cell, row) {
  if (!state.columns.includes("rule")) cell.append(make("span", "over", title(row)));
  cell.append(text("message", row));
}
function fillStatus(cell, row) {
  const days = age(row);
  cell.append(make("span", "status " + text("status", row), status(row)));
  if (days) cell.append(make("span", "under", many(days, "day")));
}
