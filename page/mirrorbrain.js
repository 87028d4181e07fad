// What pages cannot do without a script: a button that copies a digest. It uses
// nothing but what the page has, and asks nobody for anything.
"use strict";
for (const code of document.querySelectorAll("code.mirrorbrain-copy")) {
  const { copy, copied } = document.body.dataset;
  if (!navigator.clipboard || !copy) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "mirrorbrain-copy-btn";
  button.textContent = copy;
  if (code.dataset.label) button.setAttribute("aria-label", copy + ": " + code.dataset.label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      return;
    }
    button.textContent = copied;
    setTimeout(() => { button.textContent = copy; }, 2000);
  });
  code.after(button);
}
