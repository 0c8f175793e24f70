// The address: finding-<id> opens a finding; the rest is the state of the list.

function readHash() {
  const parts = location.hash.slice(1).split("&").filter(Boolean);
  const finding = parts.find((part) => part.startsWith("finding-"));
  const given = new URLSearchParams(location.hash.slice(1));
  const known = Object.keys(state).filter((name) => given.has(name));
  if (parts.length && !finding && !known.length) { if (!shown.length) refresh(false); return; }
  const hidden = state.hide;
  Object.assign(state, fresh(), { hide: hidden });
  for (const name of known) {
    const value = given.get(name);
    if (Array.isArray(state[name])) state[name] = value.split(",").filter(Boolean);
    else state[name] = typeof state[name] === "boolean" ? value === "1" : value;
  }
  if (!GROUPS.includes(state.group)) state.group = "";
  for (const name of CHOICES) if (!offered(name, state[name])) state[name] = "";
  state.columns = state.columns.filter((name) => columnsOffered().some((column) => column.name === name));
  if (!state.columns.length) state.columns = usual;
  const row = finding && rowOf.get(finding.slice(8));
  if (row >= data.open && !state.status) state.status = text("status", row);
  refresh(false);
  if (row !== undefined && finding) show(row);
  else if (finding) { byId("count").textContent = `The finding of this link is not in this page. ${said()}`; byId("worklist").scrollIntoView({ behavior: "instant" }); }
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
