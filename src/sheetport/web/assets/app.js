"use strict";
// Marks are asked for every two seconds while the page is in sight; revealed keys live in this page only.
const WORDS = { waiting: "not yet", seen: "seen", failed: "failed" };
const MASKED = /•{4}/;
const steps = document.querySelectorAll("[data-step]");

function choose(tab) {
  for (const other of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

// Choosing a language chooses it in every step that has it; the chosen tab stays where it is on the screen.
function chooseEverywhere(tab) {
  const before = tab.getBoundingClientRect().top;
  choose(tab);
  for (const other of document.querySelectorAll(`[data-language="${tab.dataset.language}"]`)) choose(other);
  window.scrollBy(0, tab.getBoundingClientRect().top - before);
}

for (const list of document.querySelectorAll("[role=tablist]")) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => chooseEverywhere(tab));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[to % tabs.length];
      chooseEverywhere(next);
      next.focus();
    });
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const shown = button.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(shown.textContent);
      button.textContent = MASKED.test(shown.textContent) ? "Copied, with the key still masked" : "Copied";
    } catch {
      getSelection().selectAllChildren(shown); // a page that is not served over https may not write to the clipboard
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });
}

async function make(button, told) {
  const answer = await fetch("/first-page/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": button.closest("[data-form-token]").dataset.formToken },
    body: JSON.stringify({ kind: button.dataset.make }),
  });
  const body = await answer.json();
  if (!answer.ok && body.errors[0].key === "recentSignIn") {
    location.assign("/security/prove");
    return;
  }
  if (!answer.ok) throw new Error(body.errors[0].message);
  for (const [masked, value] of Object.entries(body.data)) {
    for (const code of document.querySelectorAll("pre code")) code.textContent = code.textContent.replaceAll(masked, value);
  }
  told.textContent = "Filled into the snippets. It is masked again when you reload, so copy what you need now.";
}

for (const button of document.querySelectorAll("[data-make]")) {
  button.addEventListener("click", async () => {
    const told = document.getElementById("told");
    button.disabled = true;
    try {
      await make(button, told);
    } catch (error) {
      button.disabled = false;
      told.textContent = `That did not work: ${error.message}`;
    }
  });
}

for (const box of document.querySelectorAll("[data-show]")) {
  box.addEventListener("change", () => {
    document.getElementById(box.dataset.show).type = box.checked ? "text" : "password";
  });
}

function show({ step, state, reason }) {
  const item = document.getElementById(`step-${step}`);
  const told = item.querySelector(".reason");
  if (item.dataset.state === state && told.textContent === (reason || "")) return;
  item.dataset.state = state;
  item.querySelector(".mark").dataset.state = state;
  item.querySelector(".state").textContent = WORDS[state];
  told.textContent = reason || "";
  told.hidden = !reason;
}

async function ask() {
  if (document.hidden) return;
  const answer = await fetch("/first-page/marks").catch(() => null);
  if (answer && answer.status === 401) location.reload();
  if (!answer || !answer.ok) return;
  const { data } = await answer.json();
  data.forEach(show);
  const progress = `${data.filter((mark) => mark.state === "seen").length} of ${data.length} seen`;
  const told = document.getElementById("progress");
  if (told.textContent !== progress) told.textContent = progress;
}

if (steps.length) {
  ask();
  setInterval(ask, 2000);
  document.addEventListener("visibilitychange", ask);
}
