// A guest's way into a space. The token is kept for this tab alone, and never put into an address.
"use strict";

const RENEW_MILLISECONDS = 20 * 60 * 1000;
const PARTS = ["wait", "sent", "failed", "confirm", "ask", "inside"];
const space = location.pathname.split("/")[2];
const slot = `sheetport.space.${space}`;
const find = (id) => document.getElementById(id);

function show(part) {
  for (const name of PARTS) find(name).hidden = name !== part;
}

function kept() {
  try { return sessionStorage.getItem(slot) || ""; } catch { return ""; }
}

function keep(token) {
  try { token ? sessionStorage.setItem(slot, token) : sessionStorage.removeItem(slot); } catch { /* this view only */ }
}

async function call(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const body = await response.json();
  if (!response.ok) {
    const refusal = new Error(body.errors?.[0]?.message || `The server answered ${response.status}.`);
    refusal.status = response.status;
    throw refusal;
  }
  return body.data;
}

const exchange = (sent) => call("/v1/invitations/exchange", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent),
});

function fail(error) {
  find("failed").querySelector("[data-reason]").textContent = error.message;
  show("failed");
}

function tellSent(address) {
  find("sent").querySelector("[data-address]").textContent = address;
  show("sent");
}

function ask(ended) {
  find("ask").querySelector("[data-ended]").hidden = !ended;
  show("ask");
  find("email").focus();
}

// What an exchange brought: a token, a mail, or nothing.
async function take(found, ended) {
  keep(found.token || "");
  if (found.valid && found.token) await enter(found.token);
  else if (found.sentTo) tellSent(found.sentTo);
  else ask(ended);
}

async function enter(token) {
  const headers = { Authorization: `Bearer ${token}` };
  const [own, books] = await Promise.all([
    call(`/v1/spaces/${space}`, { headers }), call(`/v1/workbooks?spaceId=${space}`, { headers }),
  ]);
  const heading = find("inside").querySelector("h1");
  heading.textContent = document.title = own.name;
  const list = find("inside").querySelector("[data-workbooks]");
  list.replaceChildren(...books.map((book) => {
    const item = document.createElement("li");
    const name = document.createElement("strong");
    name.textContent = book.name;
    const sheets = (book.sheets || []).map((sheet) => sheet.name).join(", ");
    item.append(name, sheets ? `: ${sheets}` : "");
    return item;
  }));
  find("inside").querySelector("[data-empty]").hidden = books.length > 0;
  find("inside").querySelector("[data-can]").hidden = books.length === 0;
  show("inside");
  heading.focus();
}

async function begin() {
  show("wait");
  const token = kept();
  try {
    if (token.startsWith("glk_")) show("confirm");  // opened by a person: programs that look into mail open links too
    else if (token.startsWith("gst_") || token.startsWith("gel_")) await take(await exchange({ token }), true);
    else if (token) await enter(token);
    else await take(await exchange({ spaceId: space }), false);
  } catch (error) {
    if (error.status !== 401 && error.status !== 404) return fail(error);
    keep("");
    ask(true);
  }
}

find("confirm").querySelector("[data-sign-in]").addEventListener("click", () => {
  show("wait");
  exchange({ token: kept() }).then((found) => take(found, true)).catch(fail);
});
find("failed").querySelector("[data-again]").addEventListener("click", begin);
find("ask").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const email = find("email").value;
  exchange({ email, spaceId: space }).then((found) => tellSent(found.sentTo || email)).catch(fail);
});
setInterval(async () => {
  const token = kept();
  if (find("inside").hidden || !token.startsWith("gst_")) return;
  try {
    const found = await exchange({ token });
    if (found.valid) keep(found.token);
    else await take(found, true);
  } catch { /* away for now: the next time will tell */ }
}, RENEW_MILLISECONDS);
begin();
