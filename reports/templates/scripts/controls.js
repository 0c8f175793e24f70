// The controls above the list: what can be chosen, and the state that they and the list share.

const CHOICES = ["family", "rule", "payer", "billing_npi", "claim_type", "money", "status", "disposition"];
const GROUPS = ["", "rule", "story"];
const LISTS_APART = ["waived", "resolved"];
const UNDECIDED = ["", "open"];
let usual = [];
const state = {};

function fresh() {
  return { q: "", severity: [], family: "", rule: "", payer: "", billing_npi: "", claim_type: "", money: "", status: "", disposition: "", pattern: "", story: "", sort: "", group: "", hide: false, columns: usual };
}
function choices() { return CHOICES.filter((name) => byId(filterId(name))); }
function offered(name, value) {
  const choice = byId(filterId(name));
  return Boolean(choice) && [...choice.options].some((option) => option.value === value);
}
function filterId(name) { return "filter-" + name.replaceAll("_", "-"); }

function fillChoices() {
  const labels = { family: data.families, rule: data.titles, money: data.money, status: data.statuses };
  for (const name of choices()) {
    const until = name === "status" ? data.count : data.open;
    const counts = new Map();
    for (let row = 0; row < until; row++) {
      const value = text(name, row);
      counts.set(value, (counts.get(value) || 0) + 1);
    }
    const options = [...counts].filter(([value]) => value).map(([value, found]) => {
      const option = make("option", "", `${(labels[name] || {})[value] || value} (${count(found)})`);
      option.value = value;
      return option;
    });
    const order = name === "status" ? Object.keys(data.statuses) : [];
    options.sort((one, other) => order.indexOf(one.value) - order.indexOf(other.value) || (one.textContent < other.textContent ? -1 : 1));
    if (name === "disposition") {
      const left = UNDECIDED.reduce((sum, value) => sum + (counts.get(value) || 0), 0);
      options.unshift(new Option(`undecided (${count(left)})`, "undecided"));
    }
    byId(filterId(name)).append(...options);
  }
}
function columnsOffered() { return COLUMNS.filter((column) => (data.history || !column.history) && (data.decided || !column.decided)); }
function fillColumns() {
  for (const column of columnsOffered()) {
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
  byId("reset").addEventListener("click", () => { Object.assign(state, fresh(), { hide: state.hide }); refresh(); });
  byId("widen").addEventListener("click", () => { state.pattern = state.story = ""; refresh(); byId("search").focus(); });
  byId("export").addEventListener("click", download);
  byId("more").addEventListener("click", () => more());
  byId("close").addEventListener("click", () => byId("drawer").close());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("copy").addEventListener("click", copy);
  byId("drawer").addEventListener("close", closed);
  byId("drawer").addEventListener("click", (event) => { if (event.target === byId("drawer")) byId("drawer").close(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-open]");
    if (!link || !rowOf.has(link.dataset.open) || event.ctrlKey || event.metaKey || event.shiftKey) return;
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
  for (const name of choices()) state[name] = form.elements[name].value;
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
  for (const name of choices()) form.elements[name].value = state[name];
  byId("group").value = state.group;
  byId("hide-patients").checked = state.hide;
  document.documentElement.classList.toggle("hide-patients", state.hide);
}
