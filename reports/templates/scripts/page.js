// Starts the page, last of the scripts. Charts, rules and the first findings need no script; the
// worklist is unpacked, filtered, sorted and drawn by the others, which share one scope.

const table = byId("findings");
openTarget();
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details[data-print]")) part.open = true;
});
if (table) {
  unpack(byId("payload").textContent).then(start, () => {
    byId("count").textContent += " This browser can't unpack the rest; all findings are in findings.csv.";
  });
}

// A link to a rule opens its section.
function openTarget() {
  const target = location.hash.length > 1 && byId(location.hash.slice(1));
  const part = target && target.closest("details");
  if (part) { part.open = true; target.scrollIntoView(); }
}

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function start(content) {
  data = content;
  usual = window.matchMedia("(max-width: 40rem)").matches ? NARROW : [...USUAL, ...(data.history ? ["status"] : []), ...(data.decided ? ["disposition"] : [])];
  Object.assign(state, fresh());
  for (let row = 0; row < data.count; row++) if (!rowOf.has(text("finding", row))) rowOf.set(text("finding", row), row);
  fillChoices();
  fillColumns();
  listen();
  byId("filters").hidden = false;
  readHash();
  setTimeout(haystack, 200);
}
