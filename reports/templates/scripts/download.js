// The list shown, as a CSV file, made in the page.

function download() {
  const names = Object.keys(data.labels).filter((name) => !(state.hide && (name === "patient_id" || name === "note")));
  const plain = new Set(["amount", "line_number", "partner_line_number", "units", "source_row"]);
  const cell = (name, row) => {
    if (name === "amount") return number(name, row) === null ? "" : (number(name, row) / 100).toFixed(2);
    // Studies of waived and resolved findings are named apart in the page, not in the file.
    const value = name === "story" ? text(name, row).replace(/-(waived|resolved)$/, "") : text(name, row);
    if (plain.has(name)) return value;
    const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [names.join(","), ...shown.map((row) => names.map((name) => cell(name, row)).join(","))];
  // The mark at the start tells Excel that the file is UTF-8.
  const blob = new Blob(["\ufeff", lines.join("\n"), "\n"], { type: "text/csv;charset=utf-8" });
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = "findings-shown.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
