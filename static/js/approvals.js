/* The approval list by keyboard: Space ticks, p shows the letter, a approves, r sets aside. j and k are those of every
   table; the preview follows them when it is open. All of it is a click on what the page already offers. */
(() => {
  "use strict";

  const form = () => document.querySelector("[data-approvals]");
  const table = () => document.getElementById("approvals");
  const typing = (target) =>
    target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(checkbox|radio)$/.test(target.type);
  const current = () => table()?.querySelector("tr.is-current") || table()?.querySelector("tr[aria-current=true]");
  const boxOf = (row) => row?.querySelector("[data-select]");
  const ticked = () => [...form().querySelectorAll("[data-select]:checked")];

  /* A decision is on the ticked rows, else on the row in hand. */
  const meant = () => {
    if (!ticked().length) boxOf(current())?.click();
    return ticked().length > 0;
  };

  const acts = {
    " ": () => boxOf(current())?.click(),
    p: () => current()?.querySelector("a[data-open]")?.click(),
    a: () => {
      if (meant()) form().querySelector("[data-approve]")?.click();
    },
    r: () => {
      if (meant()) form().querySelector("[data-reject-reason]")?.focus();
    },
    "?": () => document.getElementById("approval-keys")?.togglePopover(),
  };

  window.addEventListener(
    "keydown",
    (event) => {
      if (!form() || event.ctrlKey || event.metaKey || event.altKey) return;
      const reason = event.target.closest?.("[data-reject-reason]");
      if (reason && event.key === "Enter") {
        event.preventDefault();
        form().querySelector("[data-reject]").click();
        return;
      }
      if (typing(event.target) || event.repeat) return;
      const open = document.querySelector("[popover]:popover-open");
      if (open && !(event.key === "?" && open.id === "approval-keys")) return;
      const onControl = event.target.closest?.("a, button, summary, input");
      const act = event.key === " " && onControl ? null : acts[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act();
    },
    true,
  );

  /* The preview follows the row in hand, once the hand rests. */
  let rest = 0;
  document.addEventListener("keydown", (event) => {
    if (!form() || !["j", "k"].includes(event.key) || typing(event.target)) return;
    if (!document.querySelector("#panel [data-approval-preview]")) return;
    clearTimeout(rest);
    rest = setTimeout(() => document.querySelector("#approvals tr.is-current a[data-open]")?.click(), 200);
  });

  /* The list is swapped with the panel: the row in hand stays in hand, and in its place. */
  document.addEventListener("htmx:afterSettle", () => {
    const row = table()?.querySelector("tr[aria-current=true]");
    if (!row || table().querySelector("tr.is-current")) return;
    row.classList.add("is-current");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  });
})();
