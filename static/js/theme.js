/* Runs before the first paint: the reader's own theme and density, kept in this browser. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.dataset.js = "";
  for (const name of ["theme", "density"]) {
    try {
      const value = localStorage.getItem(`encours-${name}`);
      if (value) root.dataset[name] = value;
    } catch {
      /* Storage refused: the system's theme holds. */
    }
  }
})();
