/* Tables: j and k move, x ticks, Enter opens; the bar of ticked rows counts them and asks their total. */
(() => {
  "use strict";

  const typing = (target) =>
    target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(checkbox|radio)$/.test(target.type);

  const tableInUse = () =>
    document.activeElement?.closest("table[data-rows]") ||
    document.querySelector("table[data-rows]:has(tr.is-current)") ||
    document.querySelector("main table[data-rows]");

  const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.matches(".group, [data-plain]"));

  const current = (table) => table.querySelector("tr.is-current");

  const goTo = (table, row) => {
    for (const other of document.querySelectorAll("tr.is-current")) other.classList.remove("is-current");
    row.classList.add("is-current");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const linkOf = (row) => row.querySelector("a[data-open]") || row.querySelector("th a, td a");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (!["j", "k", "x", "Enter"].includes(event.key)) return;
    const table = tableInUse();
    if (!table) return;
    const rows = rowsOf(table);
    const row = current(table);
    const place = rows.indexOf(row);
    if (event.key === "j" || event.key === "k") {
      const next = rows[row ? place + (event.key === "j" ? 1 : -1) : 0];
      if (next) goTo(table, next);
      event.preventDefault();
    } else if (row && event.key === "x") {
      row.querySelector("[data-select]")?.click();
      event.preventDefault();
    } else if (row && event.key === "Enter" && event.target === row) {
      linkOf(row)?.click();
      event.preventDefault();
    }
  });

  /* Ticked rows ---------------------------------------------------------------------------- */
  let asked = 0;
  let lastTicked = null;

  const boxesOf = (form) => [...form.querySelectorAll("[data-select]")];

  const refresh = (form) => {
    const boxes = boxesOf(form);
    const ticked = boxes.filter((box) => box.checked);
    const all = form.querySelector("[data-select-all]");
    if (all) {
      all.checked = ticked.length > 0 && ticked.length === boxes.length;
      all.indeterminate = ticked.length > 0 && ticked.length < boxes.length;
    }
    const bar = form.querySelector("[data-bulk]");
    if (!bar) return;
    const line = bar.querySelector("[data-bulk-total]");
    const count = ticked.length;
    bar.classList.toggle("is-live", count > 0);
    const words = count === 0 ? line.dataset.none : count === 1 ? line.dataset.one : line.dataset.many.replace("{n}", String(count));
    line.textContent = words;
    for (const button of bar.querySelectorAll("button, input[type=submit]")) button.disabled = count === 0;
    const amounts = ticked.filter((box) => box.dataset.amount);
    if (!bar.dataset.totalUrl || !amounts.length) return;
    /* The sum is the server's: amounts are never added in a script. */
    const turn = ++asked;
    const query = new URLSearchParams(amounts.map((box) => ["amount", `${box.dataset.currency} ${box.dataset.amount}`]));
    fetch(`${bar.dataset.totalUrl}?${query}`, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then((total) => {
        if (turn === asked && total) line.textContent = `${words} · ${total}`;
      })
      .catch(() => {});
  };

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-select]");
    if (!box) return;
    const form = box.closest("form") || document.body;
    if (event.shiftKey && lastTicked && form.contains(lastTicked)) {
      const boxes = boxesOf(form);
      const [from, to] = [boxes.indexOf(lastTicked), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
    }
    lastTicked = box;
  });

  document.addEventListener("change", (event) => {
    const all = event.target.closest?.("[data-select-all]");
    const form = event.target.closest?.("form") || document.body;
    if (all) for (const box of boxesOf(form)) box.checked = all.checked;
    if (all || event.target.matches?.("[data-select]")) refresh(form);
  });

  const start = () => {
    for (const bar of document.querySelectorAll("[data-bulk]")) refresh(bar.closest("form") || document.body);
  };
  document.addEventListener("htmx:afterSwap", start);
  window.addEventListener("pageshow", start);
  start();
})();
