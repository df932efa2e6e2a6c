"use strict";
// Passkeys need a script: everything else on these pages works without one.
const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": document.querySelector("meta[name=form-token]").content },
    body: JSON.stringify(body),
  });
  const read = await answer.json();
  if (answer.ok) return read.data;
  if (read.errors[0].key === "recentSignIn") location.assign("/security/prove");
  throw new Error(read.errors[0].message);
}

function plain(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const name = toText(credential.rawId);
  return { id: name, rawId: name, type: credential.type, response, clientExtensionResults: {} };
}

async function make(button) {
  const options = await send("/security/passkeys/options", {});
  options.challenge = fromText(options.challenge);
  options.user.id = fromText(options.user.id);
  for (const known of options.excludeCredentials || []) known.id = fromText(known.id);
  const made = await navigator.credentials.create({ publicKey: options });
  const name = document.getElementById("passkey-name").value;
  return send("/security/passkeys", { credential: plain(made), name });
}

async function use(button) {
  const options = await send(button.dataset.options, {});
  options.challenge = fromText(options.challenge);
  delete options.allowCredentials; // whatever this browser has for this server
  return send(button.dataset.answer, plain(await navigator.credentials.get({ publicKey: options })));
}

function showCodes(codes) {
  const shown = document.getElementById("new-codes");
  shown.querySelector("pre").textContent = codes.join("\n");
  shown.hidden = false;
  shown.querySelector("h2").focus();
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  button.closest("[hidden]")?.removeAttribute("hidden");
  button.addEventListener("click", async () => {
    const told = document.getElementById("passkey-told");
    button.disabled = true;
    told.textContent = "";
    try {
      const done = await (button.dataset.passkey === "make" ? make(button) : use(button));
      if (done.recoveryCodes?.length) showCodes(done.recoveryCodes);
      else location.assign(done.onward);
    } catch (error) {
      told.textContent = error.name === "NotAllowedError" ? "The browser gave no passkey; try again." : error.message;
      button.disabled = false;
    }
  });
}
