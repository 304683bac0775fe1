/* A field of the palette is written where the cursor stands; without this script its text is there to copy. */
(() => {
  "use strict";

  let last = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-insertable], #letter-form input[name=subject]")) last = event.target;
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-insert]");
    if (!button) return;
    const target = last?.isConnected ? last : document.querySelector("[data-insertable]");
    if (!target) return;
    target.focus();
    target.setRangeText(button.dataset.insert, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
