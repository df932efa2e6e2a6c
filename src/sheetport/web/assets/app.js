"use strict";
// Marks are asked for every two seconds while the page is in sight; revealed keys live in this page only.
const WORDS = { waiting: "not yet", seen: "seen", failed: "failed" };
const steps = document.querySelectorAll("[data-step]");

function choose(tab) {
  const step = tab.closest("[data-step]");
  for (const other of step.querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

for (const step of steps) {
  const tabs = [...step.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = tabs[(at + by + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  });
  const copy = step.querySelector("[data-copy]");
  copy.addEventListener("click", async () => {
    const shown = step.querySelector("pre:not([hidden])");
    try {
      await navigator.clipboard.writeText(shown.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown);
      copy.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
}

for (const button of document.querySelectorAll("[data-make]")) {
  button.addEventListener("click", async () => {
    const told = document.getElementById("told");
    button.disabled = true;
    const answer = await fetch("/first-page/keys", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ kind: button.dataset.make }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      button.disabled = false;
      told.textContent = body.errors[0].message;
      return;
    }
    for (const [masked, value] of Object.entries(body.data)) {
      for (const code of document.querySelectorAll("pre code")) code.textContent = code.textContent.replaceAll(masked, value);
    }
    told.textContent = "Filled into the snippets. It is masked again when you reload; copy what you need now.";
  });
}

for (const box of document.querySelectorAll("[data-show]")) {
  box.addEventListener("change", () => {
    document.getElementById(box.dataset.show).type = box.checked ? "text" : "password";
  });
}

async function ask() {
  if (document.hidden) return;
  const answer = await fetch("/first-page/marks").catch(() => null);
  if (answer && answer.status === 401) location.reload();
  if (!answer || !answer.ok) return;
  const { data } = await answer.json();
  for (const { step, state, reason } of data) {
    const item = document.getElementById(`step-${step}`);
    item.querySelector(".mark").dataset.state = state;
    item.querySelector(".state").textContent = WORDS[state];
    const told = item.querySelector(".reason");
    told.textContent = reason || "";
    told.hidden = !reason;
  }
}
if (steps.length) {
  ask();
  setInterval(ask, 2000);
}
