/* The cash board by keyboard: j k lines, Enter the first proposal, 1-5 another, x tick, a aside, / search, u undo.
   Everything it does is a click on what the page already offers; sums are the server's. */
(() => {
  "use strict";

  const board = () => document.querySelector("[data-cash]");
  const typing = (target) =>
    target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(checkbox|radio)$/.test(target.type);

  const lines = () => [...document.querySelectorAll(".cash-lines tbody tr")];
  const items = () => [...document.querySelectorAll("[data-cash-item]")];
  const currentItem = () => document.querySelector("[data-cash-item].is-here");

  const openLine = (step) => {
    const rows = lines();
    const place = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const row = rows[place < 0 ? 0 : place + step];
    row?.querySelector("a[data-open]")?.click();
  };

  const goToItem = (step) => {
    const rows = items();
    const place = rows.indexOf(currentItem());
    const row = rows[Math.max(0, Math.min(rows.length - 1, place < 0 ? 0 : place + step))];
    for (const other of rows) other.classList.toggle("is-here", other === row);
    row?.querySelector("input[type=checkbox]")?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  };

  const openAside = () => {
    const aside = document.querySelector("[data-cash-aside]");
    if (!aside) return;
    aside.open = true;
    aside.scrollIntoView({ block: "nearest" });
    aside.querySelector("input[name=reason]")?.focus();
  };

  const acts = {
    j: () => openLine(1),
    k: () => openLine(-1),
    ArrowDown: () => goToItem(1),
    ArrowUp: () => goToItem(-1),
    x: () => {
      if (!currentItem()) goToItem(0);
      currentItem()?.querySelector("input[type=checkbox]")?.click();
    },
    a: openAside,
    u: () => document.querySelector("[data-cash-undo]")?.click(),
    "/": () => document.querySelector("[data-cash-search]")?.focus(),
  };

  window.addEventListener(
    "keydown",
    (event) => {
      if (!board() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (document.querySelector("[popover]:popover-open")) return;
      const onControl = event.target.closest?.("a, button, summary");
      let act = acts[event.key];
      if (event.key === "Enter" && !onControl) {
        act = () => (document.querySelector("[data-cash-accept]") || document.querySelector("[data-cash-apply]"))?.click();
      } else if (/^[1-5]$/.test(event.key)) {
        act = () => document.querySelector(`[data-cash-choose="${event.key}"]`)?.click();
      } else if (/^Arrow/.test(event.key) && !items().length) {
        return;
      } else if (event.key === "/" && !document.querySelector("[data-cash-search]")) {
        return;
      }
      if (!act || event.repeat && !["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act();
    },
    true,
  );

  /* Writing an amount means that the item is meant. */
  document.addEventListener("input", (event) => {
    const field = event.target.closest?.("[data-cash-item] .cash-input");
    const box = field?.closest("tr").querySelector("input[type=checkbox]");
    if (box && !box.checked) {
      box.checked = true;
      box.closest("tr").classList.add("is-ticked");
    }
  });
  document.addEventListener("change", (event) => {
    const box = event.target.closest?.("[data-cash-item] input[type=checkbox]");
    box?.closest("tr").classList.toggle("is-ticked", box.checked);
  });

  /* A double click is one act. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target.closest?.("form[hx-post]");
    if (form) for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form[hx-post]");
    if (form) for (const button of form.querySelectorAll("button")) button.disabled = false;
  });

  /* A refusal is a page too: it says what to do. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!board() || event.detail.xhr.status !== 422) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });

  /* The list keeps its place when the board is swapped. */
  let place = 0;
  document.addEventListener("htmx:beforeSwap", () => {
    place = document.querySelector(".cash-lines .table-scroll")?.scrollTop ?? 0;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.target.closest?.("[data-cash]") && event.target.id !== "cash") return;
    const list = document.querySelector(".cash-lines .table-scroll");
    if (list) list.scrollTop = place;
    document.querySelector(".cash-lines tr[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  });
})();
