// An OpenID provider for tests: oidc-provider with accounts, keys and clients from the JSON of its first argument.
// It prints one line with its issuer when it listens, and ends with its standard input.
import { Provider } from "oidc-provider";
import http from "node:http";

const wanted = JSON.parse(process.argv[2]);
const server = http.createServer();
await new Promise((done) => server.listen(wanted.port ?? 0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const accounts = new Map(wanted.accounts.map((each) => [each.login, each]));

const provider = new Provider(issuer, {
  clients: wanted.clients,
  jwks: wanted.jwks,
  claims: { openid: ["sub", "acr", "amr"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: wanted.conform ?? true,
  acrValues: ["phr"],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["of the tests"] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA", "HS256"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ ...accounts.get(id)?.claims, sub: accounts.get(id)?.sub ?? id }),
  }),
});
provider.on("server_error", (_, error) => console.error(error));
server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume();
console.log(issuer);
