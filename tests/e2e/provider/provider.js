// A certified OpenID provider, for tests: whoever names himself is signed in, with any password.
// Usage: node provider.js PORT REDIRECT_URI PAGE

import { Provider } from "oidc-provider";

const [port, redirectUri, page] = process.argv.slice(2);
const PEOPLE = {
  ann: { name: "Ann Archer", groups: ["everybody", "chat admins"] },
  bob: { name: "Bob Berger", groups: ["everybody"] },
};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "hubbub",
    client_secret: "a secret of the tests, + and % in it",
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [page],
  }],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  scopes: ["openid", "profile", "email", "groups"],
  findAccount: (_context, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, email: `${sub}@corp.example`, email_verified: true,
      name: sub, groups: [], ...PEOPLE[sub] }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["of the tests"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
