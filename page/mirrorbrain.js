// What pages cannot do without a script: a button that copies a digest. It uses
// nothing but what the page has, and asks nobody for anything. Digests that are
// folded away get their button when they are unfolded: a page may have 50,000.
"use strict";
const { copy, copied } = document.body.dataset;

function addButton(code) {
  if (code.nextElementSibling?.className === "mirrorbrain-copy-btn") return;
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

if (navigator.clipboard && copy) {
  for (const code of document.querySelectorAll("code.mirrorbrain-copy")) {
    if (!code.closest("details:not([open])")) addButton(code);
  }
  document.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelectorAll("code.mirrorbrain-copy").forEach(addButton);
  }, true);
}
