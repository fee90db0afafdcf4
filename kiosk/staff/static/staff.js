// Keys for the staff pages: / searches, j and k walk through rows, Enter
// opens one, ? lists the keys.
(() => {
  "use strict";
  const help = document.getElementById("help");
  document.getElementById("keys")?.addEventListener("click", () => help.showModal());
  const rows = () => [...document.querySelectorAll("tbody tr, ul.plain li")].filter((r) => r.querySelector("a, button"));
  let at = -1;
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, select, textarea")) return;
    const step = { j: 1, k: -1 }[e.key];
    if (step) {
      const all = rows();
      at = Math.min(all.length - 1, Math.max(0, at + step));
      all[at]?.querySelector("a, button").focus();
    } else if (e.key === "/") {
      document.getElementById("q")?.focus();
    } else if (e.key === "?") {
      help?.showModal();
    } else {
      return;
    }
    e.preventDefault();
  });
})();
