// One finding in the drawer: what was found, what to do, where it stands.

const FACTS = ["denial_codes", "claim_id", "line_number", "patient_id", "service_date", "procedure_code", "modifiers", "units", "place_of_service", "revenue_code", "claim_type", "payer", "payer_type", "department", "billing_npi", "rendering_npi", "partner_claim_id", "partner_line_number", "other_partners"];
let open = -1;

function show(row) {
  open = row;
  const drawer = byId("drawer");
  byId("drawer-badge").replaceChildren(badge(text("severity", row)));
  byId("drawer-title").textContent = title(row);
  byId("drawer-message").textContent = text("message", row);
  byId("drawer-said").textContent = "";
  const facts = byId("drawer-facts");
  facts.replaceChildren();
  const fact = (label, ...content) => { facts.append(make("dt", "", label)); const value = make("dd"); value.append(...content); facts.append(value); return value; };
  fact(data.labels.remedy, text("remedy", row)).className = "remedy";
  const amount = dollars(number("amount", row));
  fact("Amount", amount ? `${amount} ${data.money[text("money", row)]}: ${data.bases[text("amount_basis", row)] || text("amount_basis", row)}` : `none known (${data.money[text("money", row)]})`);
  for (const name of FACTS) {
    if (text(name, row) && !(state.hide && name === "patient_id")) fact(data.labels[name], text(name, row));
  }
  if (text("status", row)) fact(data.labels.status, statusWords(row));
  if (data.history && text("waiver", row)) fact(data.labels.waiver, text("waiver", row));
  // A note is free text and may name a patient.
  for (const name of data.decided ? ["disposition", "owner", "note"] : []) {
    if (text(name, row) && !(state.hide && name === "note")) fact(data.labels[name], text(name, row));
  }
  together(row, fact);
  const sheet = text("source_sheet", row);
  fact("In the file", `${text("source_file", row)}${sheet ? ", sheet " + sheet : ""}, row ${text("source_row", row)}`);
  const link = make("a", "", text("rule", row));
  link.href = "#rule-" + text("rule", row);
  link.addEventListener("click", leave);
  fact("Rule", link, `, ${family(row)}`);
  for (const name of text("sources", row).split(" ").filter(Boolean)) fact("Source", sourceText(name));
  const permalink = make("a", "", text("finding", row));
  permalink.href = "#finding-" + text("finding", row);
  fact("Finding", permalink);
  const place = shown.indexOf(row);
  byId("previous").disabled = place <= 0;
  byId("next").disabled = place < 0 || place === shown.length - 1;
  const opened = !drawer.open;
  if (opened) drawer.showModal();
  if (opened || !drawer.contains(document.activeElement)) byId("drawer-title").focus();
  drawer.scrollTop = 0;
  mark(row);
  writeHash();
}
function statusWords(row) {
  const days = age(row);
  return days === null ? status(row) : `${status(row)}; first seen ${text("first_seen", row)}${days > 0 ? `, ${many(days, "day")} ago` : ""}`;
}
// A link out of the drawer: closing writes the address, so the way on comes after it.
function leave(event) {
  event.preventDefault();
  const target = event.currentTarget.hash;
  byId("drawer").addEventListener("close", () => { location.hash = target; }, { once: true });
  byId("drawer").close();
}
function sourceText(name) {
  const source = data.sources[name];
  if (!source) return name;
  return [source.title, source.section, source.edition && "edition " + source.edition].filter(Boolean).join(", ");
}
function mark(row) {
  for (const line of table.querySelectorAll("tr.open")) line.classList.remove("open");
  const line = row < 0 ? null : byId("finding-" + text("finding", row));
  if (line) line.classList.add("open");
}
function step(by) {
  const place = shown.indexOf(open) + by;
  if (place < 0 || place >= shown.length) return;
  // Far down a long list a row is drawn only when the list itself gets there.
  if (place >= drawn && place < drawn + STEP) more();
  show(shown[place]);
}
function closed() {
  const line = open < 0 ? null : byId("finding-" + text("finding", open));
  open = -1;
  writeHash();
  if (line) { line.scrollIntoView({ block: "nearest" }); line.querySelector("a").focus({ preventScroll: true }); }
}
function copy() {
  const said = (words) => { byId("drawer-said").textContent = words; };
  const number = text("claim_id", open);
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(number).then(() => said("Claim number copied."), () => said("The browser refused to copy."));
    return;
  }
  const box = make("textarea", "", number);
  byId("drawer").append(box);
  box.select();
  said(document.execCommand("copy") ? "Claim number copied." : "The browser refused to copy.");
  box.remove();
}
