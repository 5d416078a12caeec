// Signing in with an identity provider: what the card offers, and the way back from there.

import { $, h } from "./dom.js";

const AFTER = "hubbub.after"; // in this tab: where the page goes on when the browser is back
const PATIENCE_MS = 1500; // without an answer for so long the card is shown as it is

/** What went wrong, by the word that the server gives. */
const FAILURES = {
  unavailable: (title) => `${title} cannot be reached just now. Try again in a minute.`,
  cancelled: (title) => `You did not finish signing in with ${title}.`,
  stale: () => "This sign-in took too long, or was begun elsewhere. Please try again.",
  forbidden: (title) => `Your account at ${title} may not come in here. Ask whoever looks after this server.`,
  rate_limited: () => "Too many tries. Wait a minute, then try again.",
};

function failed(word, title) {
  return Object.hasOwn(FAILURES, word) ? FAILURES[word](title)
    : `Signing in with ${title} did not work. If that goes on, tell whoever looks after this server.`;
}

/**
 * Shows on the card with what people sign in. `came`: what the address says of a way back;
 * `after`: what it says of where to go on; `left`: the provider of whoever has just signed out.
 */
export async function offerProviders(api, form, { came, after, left }) {
  const patience = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); });
  const asked = api.get("/auth/providers").catch(() => undefined);
  const shown = asked.then((answer) => answer && show(form, answer, { came, after, left }));
  await Promise.race([shown, patience]);
}

function show(form, { registration, providers }, { came, after, left }) {
  form.classList.toggle("closed", registration === "closed");
  const named = (name) => providers.find((provider) => provider.name === name);
  if (came?.failure) {
    const says = $("#provider-error");
    says.textContent = failed(came.failure, named(came.provider)?.title ?? "the provider");
    says.hidden = false;
  }
  if (!providers.length) return;
  form.classList.add("provided");
  $("#providers").replaceChildren(...providers.map(({ title, start_url }) => h("a.provider", {
    href: start_url, onclick: () => sessionStorage.setItem(AFTER, after),
  }, `Sign in with ${title}`)));
  const out = named(left);
  if (out?.logout_url) {
    $("#left").replaceChildren(
      h("a", { href: out.logout_url }, `Sign out of ${out.title} as well`));
    $("#left").hidden = false;
  }
}

/** Where the page was to go on before the browser went away; once. */
export function wayOn() {
  const after = sessionStorage.getItem(AFTER) ?? "";
  sessionStorage.removeItem(AFTER);
  return after;
}
