"""The frame of an HTML page: its style, and the script that sorts tables.

In Python, not beside it: so an edit changes the code of the stage that writes the page.
"""

from string import Template

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1c2024; --soft: #5a6370; --line: #d5dae0; --back: #fff; --stripe: #f5f7f9; --link: #0b5cad;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e7eb; --soft: #a3acb8; --line: #3a424c; --back: #14181d; --stripe: #1c2229; --link: #7ab8f5;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--text); background: var(--back); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 1rem; min-width: 0; }
p, main ul, main ol, blockquote, figcaption { max-width: 50rem; }
h1 { line-height: 1.2; margin: .5rem 0 1rem; }
h2 { line-height: 1.25; margin: 2.5rem 0 1rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { margin: 2rem 0 .75rem; }
a { color: var(--link); }
code { font-size: .9em; overflow-wrap: anywhere; }
pre { overflow-x: auto; }
blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 4px solid #d98c00; background: var(--stripe); }
nav { padding: 1rem 1rem 0; font-size: .9rem; }
nav summary { cursor: pointer; font-weight: 600; }
nav ul { list-style: none; margin: .5rem 0; padding: 0; }
nav li { margin: .3rem 0; line-height: 1.3; }
nav .h3 { padding-left: 1rem; }
nav a { text-decoration: none; }
.page { margin: .75rem 0; border: 1px solid var(--line); border-radius: 4px; padding: 0 1rem; }
.page summary { cursor: pointer; font-size: 1.15rem; font-weight: 600; padding: .5rem 0; }
figure { margin: 1.5rem 0; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .5rem; }
.picture, .table { display: block; overflow-x: auto; }
.picture img { display: block; height: auto; max-width: 100%; background: #fff; border-radius: 4px; }
.table { margin: 1rem 0; }
.table { width: fit-content; max-width: 100%; max-height: 90vh; }
.table { border: 1px solid var(--line); border-radius: 4px; }
table { border-collapse: separate; border-spacing: 0; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .35rem; border-bottom: 1px solid var(--line); }
th, td { text-align: left; background: var(--back); }
td { vertical-align: top; }
td.short { white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
tbody tr:nth-child(even) td { background: var(--stripe); }
th { position: sticky; top: 0; z-index: 1; vertical-align: bottom; }
th:first-child, td:first-child { position: sticky; left: 0; }
th:first-child { z-index: 2; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: left; }
th button { font-weight: 600; cursor: pointer; }
th button::after { content: "\\a0↕"; color: var(--soft); font-weight: 400; }
th[aria-sort=ascending] button::after { content: "\\a0↑"; color: inherit; }
th[aria-sort=descending] button::after { content: "\\a0↓"; color: inherit; }
@media (min-width: 90rem) {
  body { display: grid; grid-template-columns: 14rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-right: 1px solid var(--line); }
  main { margin: 0; padding: 1rem 1.5rem; }
}
@media (max-width: 45rem) {
  body { font-size: 15px; line-height: 1.45; }
  main { padding: .5rem .75rem; }
  h1 { font-size: 1.4rem; margin: .25rem 0 .5rem; }
  h2 { font-size: 1.25rem; margin: 1.25rem 0 .5rem; }
  blockquote { margin: .5rem 0; font-size: .85rem; line-height: 1.3; }
  .page { padding: 0 .5rem; }
  .table { width: auto; max-height: none; border: 0; }
  table { font-size: .75rem; }
  table, tbody, td { display: block; }
  thead { display: none; }
  tr { display: flex; flex-wrap: wrap; gap: 0 .9rem; border-bottom: 1px solid var(--line); padding: .3rem 0; }
  td, td.short { padding: 0; border: 0; white-space: normal; overflow-wrap: anywhere; }
  tbody tr:nth-child(n) td { background: none; border: 0; }
  td.empty { display: none; }
  td::before { content: attr(data-label) "\\a0"; color: var(--soft); }
  td:is([data-label=step], [data-label^="Δ mAP"], [data-label=verdict])::before { content: none; }
  td:first-child { position: static; font-weight: 600; }
}
@media print { nav { display: none; } .table { max-height: none; } }
"""

SCRIPT = """
const number = text => {
  const match = text.match(/^([+-]?[\\d,]*\\.?\\d+)(?: (min|h)\\b)?/);
  return match ? parseFloat(match[1].replaceAll(",", "")) * ({min: 60, h: 3600}[match[2]] || 1) : NaN;
};
const missing = text => text === "" || text === "–";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 2) continue;
  const original = [...body.rows];
  const text = (row, column) => row.cells[column].textContent.trim();
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    const numeric = original.every(row => missing(text(row, column)) || !isNaN(number(text(row, column))));
    button.addEventListener("click", () => {
      const next = {ascending: "descending", descending: "none"}[head.ariaSort] || "ascending";
      for (const cell of table.tHead.rows[0].cells) cell.ariaSort = "none";
      head.ariaSort = next;
      const sign = next === "descending" ? -1 : 1;
      const order = (a, b) => {
        const [left, right] = [text(a, column), text(b, column)];
        if (missing(left) || missing(right)) return missing(left) - missing(right);
        const words = left.localeCompare(right, "en", {numeric: true});
        return sign * (numeric ? number(left) - number(right) : words);
      };
      body.append(...(next === "none" ? original : [...original].sort(order)));
    });
  });
}
if (innerWidth < 1440) document.querySelector("nav details").open = false;
const show = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details.page");
  if (!folded || folded.open) return;
  folded.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", show);
addEventListener("beforeprint", () => document.querySelectorAll(".page").forEach(page => page.open = true));
show();
"""

FOLDED = Template("""<details class="page" id="$name"><summary>$title</summary>
$body</details>
""")
PAGE = Template(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>{STYLE}</style>
</head>
<body>
<nav aria-label="Contents"><details open><summary>Contents</summary>
<ul>
$contents
</ul>
</details></nav>
<main id="$name">
$body</main>
<script>{SCRIPT}</script>
</body>
</html>
""")
