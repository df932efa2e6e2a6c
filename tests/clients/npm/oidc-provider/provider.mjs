// An OpenID provider for tests: oidc-provider with the accounts, keys and clients of the JSON in its first argument.
// It prints its issuer when it listens, and ends with its standard input. Whoever names an account is that person.
import { Provider } from "oidc-provider";
import http from "node:http";

const wanted = JSON.parse(process.argv[2]);
const server = http.createServer();
await new Promise((done) => server.listen(wanted.port ?? 0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const accounts = new Map(wanted.accounts.map((each) => [each.login, each]));
const PAGE = `<!doctype html><title>Provider</title><form method="post">
<label>Login <input name="login" autofocus></label> <button>Sign in</button> <button name="cancel">Cancel</button></form>`;

const provider = new Provider(issuer, {
  clients: wanted.clients,
  jwks: wanted.jwks,
  claims: { openid: ["sub", "acr", "amr"], email: ["email", "email_verified"], profile: ["name"] },
  acrValues: ["phr"],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["of the tests"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...accounts.get(id)?.claims, sub: id }) }),
  // Everybody has allowed everything.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
// The address to come back to is known only once the client has set this provider up.
const callback = new RegExp(wanted.callback);
provider.Client.prototype.redirectUriAllowed = (uri) => callback.test(uri);
provider.on("server_error", (_, error) => console.error(error));

async function interact(request, response) {
  if (request.method !== "POST") {
    response.setHeader("Content-Type", "text/html");
    response.end(PAGE);
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const sent = new URLSearchParams(Buffer.concat(chunks).toString());
  const login = sent.get("login");
  const result = sent.has("cancel")
    ? { error: "access_denied", error_description: "The person pressed Cancel" }
    : { login: { accountId: login, amr: accounts.get(login)?.amr } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
server.on("request", (request, response) =>
  request.url.startsWith("/interaction/") ? interact(request, response) : answer(request, response),
);
process.stdin.on("end", () => process.exit(0)).resume();
console.log(issuer);
