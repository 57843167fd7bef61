"use strict";
// Search and sort. Without this script, lists and tables stay whole and readable.

const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();

function makeSortable(table) {
  const head = table.tHead;
  const body = table.tBodies[0];
  if (!head || !body || body.rows.length < 2 || head.rows.length !== 1) return;
  const original = [...body.rows];
  [...head.rows[0].cells].forEach((cell, column) => {
    if (cell.dataset.tri === "non" || !cell.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tri";
    while (cell.firstChild) button.append(cell.firstChild);
    cell.append(button);
    button.addEventListener("click", () => {
      const state = cell.getAttribute("aria-sort");
      const next = state === "ascending" ? "descending" : state === "descending" ? null : "ascending";
      for (const other of head.rows[0].cells) other.removeAttribute("aria-sort");
      if (next) cell.setAttribute("aria-sort", next);
      const numeric = cell.dataset.tri === "nombre";
      const value = (row) => {
        const found = row.cells[column];
        const text = found ? (found.dataset.v ?? found.textContent.trim()) : "";
        if (!numeric) return plain(text);
        const number = text === "" ? NaN : Number(text.replace(/[\s\u202f\u00a0]/g, "").replace("\u2212", "-").replace(",", "."));
        return number;
      };
      const rows = next === null ? original : original.map((row, place) => ({ row, place, key: value(row) })).sort((a, b) => {
        if (numeric) {
          const missing = Number.isNaN(a.key) - Number.isNaN(b.key);
          if (missing) return missing; // what is unknown stays last
          const gap = Number.isNaN(a.key) ? 0 : a.key - b.key;
          return (next === "ascending" ? gap : -gap) || a.place - b.place;
        }
        const gap = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
        return (next === "ascending" ? gap : -gap) || a.place - b.place;
      }).map((one) => one.row);
      body.append(...rows);
    });
  });
}

function makeSearch(form) {
  const field = form.querySelector("input");
  const list = document.getElementById(form.dataset.resultats);
  const status = document.getElementById(form.dataset.etat);
  const index = (window.INDEX_RECHERCHE || []).map((row) => ({ row, key: plain(row[0] + " " + row[1]), name: plain(row[0]) }));
  const MAX = 30;
  const root = form.dataset.racine || "";
  form.hidden = false;
  const search = () => {
    const words = plain(field.value).split(" ").filter(Boolean);
    list.replaceChildren();
    if (!words.length || words.join("").length < 2) { status.textContent = ""; return; }
    const found = index.filter((entry) => words.every((word) => entry.key.includes(word)));
    const first = (entry) => (entry.name === words.join(" ") ? 0 : entry.name.startsWith(words[0]) ? 1 : entry.name.includes(words[0]) ? 2 : 3);
    found.sort((a, b) => first(a) - first(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    status.textContent = found.length === 0 ? "Aucun résultat." : found.length > MAX ? `${found.length} résultats, les ${MAX} premiers ci-dessous.` : found.length === 1 ? "1 résultat." : `${found.length} résultats.`;
    for (const { row } of found.slice(0, MAX)) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = root + row[3];
      link.textContent = row[0];
      item.append(link, ` ${row[2]}${row[1] ? ", " + row[1] : ""}`);
      list.append(item);
    }
  };
  field.addEventListener("input", search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const link = list.querySelector("a");
    if (link) link.click();
  });
  search();
}

document.querySelectorAll("table[data-triable]").forEach(makeSortable);
document.querySelectorAll("form[data-resultats]").forEach(makeSearch);
