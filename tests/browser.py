"""A headless Chromium, where there is one, and what it measures of a page."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from string import Template
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
#: A frame, since windows have a least width: measures the first table as it opens, then all with open folds.
PROBE = Template("""<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>
<iframe style="width: ${width}px; height: ${height}px; border: 0" srcdoc="$page"></iframe>
<script>
addEventListener("load", () => {
  const view = document.querySelector("iframe").contentWindow, page = view.document;
  const cells = [...page.querySelector("table").querySelectorAll('td[data-label="verdict"]')];
  const verdicts = cells.map(cell => cell.getBoundingClientRect().bottom + view.scrollY);
  for (const fold of page.querySelectorAll("details")) fold.open = true;
  const wide = [...page.querySelectorAll("*")].filter(element => element.scrollWidth > element.clientWidth + 1
    && (element === page.documentElement || view.getComputedStyle(element).overflowX !== "visible"));
  const text = JSON.stringify({
    width: view.innerWidth,
    verdicts: verdicts,
    wide: wide.map(element => element.tagName + ": " + element.textContent.slice(0, 60)),
    requests: view.performance.getEntriesByType("resource").map(entry => entry.name),
  });
  document.body.replaceChildren(Object.assign(document.createElement("pre"), {textContent: text}));
});
</script></body></html>""")


def look(page: Path, width: int, height: int) -> dict[str, Any]:
    """Open a page at a size in pixels, without a network.

    Returns width, as the page sees it; verdicts, how far down those of the first table end; wide, what
    scrolls sideways; requests, the addresses that the page asked for.
    """
    probe = page.with_name(f"{page.stem}-{width}.html")
    text = escape(page.read_text(encoding="utf-8"))
    probe.write_text(PROBE.substitute(width=width, height=height, page=text), encoding="utf-8")
    command = [
        *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={page.parent / 'chromium'}"),
        *("--window-size=1600,1000", probe.resolve().as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    [measures] = re.findall(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
    return json.loads(unescape(measures))
