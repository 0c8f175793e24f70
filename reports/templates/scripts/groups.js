// Findings that belong together: by rule, by study, of one pattern.

let sizes = new Map();

// The list in groups: studies dearest first, rules in the findings' order; a chosen sort goes first.
function grouped(rows) {
  const name = state.group;
  sizes = new Map();
  const first = new Map();
  for (let row = 0; row < data.count; row++) if (!first.has(text(name, row))) first.set(text(name, row), row);
  if (state.sort) {
    first.clear();
    rows.forEach((row, place) => { if (!first.has(text(name, row))) first.set(text(name, row), place); });
  }
  for (const row of rows) sizes.set(text(name, row), (sizes.get(text(name, row)) || 0) + 1);
  const studies = data.columns.story.codes;
  const rank = (row) => (name === "story" && !state.sort ? studies[row] : first.get(text(name, row)));
  const ranked = rows.map((row, place) => [rank(row), place, row]);
  return ranked.sort((one, other) => one[0] - other[0] || one[1] - other[1]).map((entry) => entry[2]);
}
function groupRow(row, width) {
  const line = make("tr", "group");
  const head = make("th");
  const words = make("span", "group-head");
  head.colSpan = width;
  head.scope = "rowgroup";
  head.append(words);
  if (state.group === "story") fillStudy(words, row);
  else words.append(`${title(row)}: ${many(sizes.get(text("rule", row)), "finding")}`);
  line.append(head);
  return line;
}
function fillStudy(head, row) {
  const study = studyOf(row);
  const found = sizes.get(text("story", row));
  const shownOf = found < study.findings ? `${found} of ${many(study.findings, "finding")}` : many(study.findings, "finding");
  if (!state.hide) head.append(make("span", "patient", `Patient ${text("patient_id", row)}, `));
  head.append(make("span", "nowrap", span(study)));
  const told = [`${shownOf} on ${many(study.lines, "line")}`];
  if (study.at_risk) told.push(`${dollars(study.at_risk)} at risk`);
  if (study.missed) told.push(`${dollars(study.missed)} missed`);
  head.append(" ", make("span", "group-facts", told.join(" · ")));
}
function studyOf(row) {
  const code = data.columns.story.codes[row];
  return Object.fromEntries(Object.entries(data.studies).map(([name, values]) => [name, values[code]]));
}
function span(study) {
  return study.first_date === study.last_date ? study.first_date : `${study.first_date} to ${study.last_date}`;
}

// What the list is narrowed to by a link: one pattern or one study.
function sayNarrowed() {
  const row = shown[0];
  byId("narrowed").hidden = !state.pattern && !state.story;
  if (row === undefined) { byId("narrowed-to").textContent = "No finding is left of what a link chose."; return; }
  const parts = [];
  if (state.pattern) {
    parts.push(title(row));
    for (const name of ["billing_npi", "department", "revenue_code", "payer"]) {
      parts.push(`${data.labels[name].replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())} ${text(name, row) || "(blank)"}`);
    }
  }
  if (state.story) parts.push(`study of ${span(studyOf(row))}`);
  byId("narrowed-to").textContent = `Only: ${parts.join(", ")}.`;
}

// Of one finding: the others of its study, and those alike.
const MOST_OTHERS = 12;
function together(row, fact) {
  const code = data.columns.story.codes[row];
  const others = [];
  for (let other = 0; other < data.open; other++) if (other !== row && data.columns.story.codes[other] === code) others.push(other);
  if (others.length) {
    const list = make("ul");
    for (const other of others.slice(0, MOST_OTHERS)) {
      const item = make("li");
      const link = make("a", "", title(other));
      link.href = "#finding-" + text("finding", other);
      link.dataset.open = text("finding", other);
      item.append(link, make("span", "under", [claim(other), text("service_date", other), dollars(number("amount", other))].filter(Boolean).join(" · ")));
      list.append(item);
    }
    const all = make("a", "", `Show all ${others.length + 1} in the worklist`);
    all.href = "#story=" + text("story", row);
    all.addEventListener("click", leave);
    fact("Other findings of the same study", list, all);
  }
  const pattern = number("pattern", row);
  if (pattern) {
    const alike = make("a", "", many(data.columns.pattern.values.filter((value) => value === pattern).length, "finding"));
    alike.href = "#pattern=" + pattern;
    alike.addEventListener("click", leave);
    fact("Same cause", alike, " of this rule, provider, department, revenue code and payer");
  }
}
