/* The frame: theme and density switches, menus that close, keys, announcements. */
(() => {
  "use strict";
  const root = document.documentElement;

  const keep = (name, value, neutral) => {
    if (value === neutral) delete root.dataset[name];
    else root.dataset[name] = value;
    try {
      if (value === neutral) localStorage.removeItem(`encours-${name}`);
      else localStorage.setItem(`encours-${name}`, value);
    } catch {
      /* Kept for this page only. */
    }
    show();
    document.dispatchEvent(new CustomEvent(`encours:${name}`));
  };

  const show = () => {
    for (const button of document.querySelectorAll("[data-theme-choice]"))
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme || "auto")));
    for (const button of document.querySelectorAll("[data-density-choice]"))
      button.setAttribute("aria-pressed", String(button.dataset.densityChoice === (root.dataset.density || "normal")));
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]"))
      if (menu !== except) menu.open = false;
  };

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-choice]");
    if (theme) keep("theme", theme.dataset.themeChoice, "auto");
    const density = event.target.closest("[data-density-choice]");
    if (density) keep("density", density.dataset.densityChoice, "normal");
    closeMenus(event.target.closest("details[data-menu]"));
  });

  const typing = (target) =>
    target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(checkbox|radio|button|submit)$/.test(target.type);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") {
      const menu = document.querySelector("details[data-menu][open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
        return;
      }
      if (typing(event.target)) {
        event.target.blur();
        return;
      }
      if (document.querySelector("[popover]:popover-open")) return;
      document.querySelector("#panel [data-close]")?.click();
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "?") {
      document.getElementById("shortcuts")?.togglePopover();
    } else if (event.key === "d") {
      keep("density", root.dataset.density === "compact" ? "normal" : "compact", "normal");
    }
  });

  /* What a swapped piece wants said aloud goes to the one live region of the page, once per change. */
  let said = "";
  document.addEventListener("htmx:afterSwap", () => {
    const note = document.querySelector("[data-announce]");
    const text = note ? note.textContent.trim() : "";
    if (text && text !== said) {
      said = text;
      document.getElementById("live").textContent = text;
    }
  });

  /* A file dropped on a dropzone is the file chosen in it. */
  for (const name of ["dragover", "dragleave", "drop"])
    document.addEventListener(name, (event) => {
      const zone = event.target.closest?.("[data-dropzone]");
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("is-over", name === "dragover");
      const input = zone.querySelector("input[type=file]");
      if (name === "drop" && input && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });

  show();
})();
