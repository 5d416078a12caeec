// One's own account: its name, what it shows to others, where one is signed in, signing out.

import { $, h, lately } from "./dom.js";
import { onSubmit, show } from "./forms.js";
import { device } from "./words.js";

/** What may be switched, where the server knows of it: others see it only of who lets them. */
const SWITCHES = ["last_seen", "read_receipts"];

export function accountDialog(api, signOut) {
  const dialog = $("#account-dialog");
  const form = $("form", dialog);
  const open = async () => { // nothing is shown that may still change by itself
    const told = Promise.all([api.get("/me"), api.get("/sessions")]);
    await told.catch(() => undefined);
    show(dialog);
    const [me, { sessions }] = await told;
    fill(form, me, api.provider);
    list(sessions);
  };
  const list = (sessions) => $("#sessions").replaceChildren(...sessions.map((one) => h("li", {},
    h("span.name", {}, device(one.device),
      h("small", {}, one.current ? "this one" : `used ${lately(one.last_used_at)}`)),
    one.current ? null : h("button", { type: "button", onclick: () => attempt(() => end(one)),
      "aria-label": `Sign out ${device(one.device)}` }, "Sign out"))));
  const end = async ({ id }) => {
    await api.call("DELETE", `/sessions/${id}`);
    list((await api.get("/sessions")).sessions);
  };
  const attempt = (work) => work().catch((error) => {
    $(".error", form).textContent = error.message;
    $(".error", form).hidden = false;
  });
  $("#my-account").addEventListener("click", () => attempt(open));
  $("#sign-out").addEventListener("click", () => {
    dialog.close();
    signOut();
  });
  onSubmit(form, async ({ inbox }) => {
    const { value, defaultValue } = form.elements.display_name;
    const name = value.trim() === defaultValue.trim() ? {} : { display_name: value.trim() };
    const switched = SWITCHES.filter((name) => !form.elements[name].disabled)
      .map((name) => [name, form.elements[name].checked]);
    await api.call("PATCH", "/me", { ...name, privacy: { inbox, ...Object.fromEntries(switched) } });
    dialog.close();
  });
}

/** `provider`: where the user signed in, if that is elsewhere; there the name is changed, too. */
function fill({ elements }, { display_name: name, username, privacy }, provider) {
  $("#account-name").textContent = name;
  elements.display_name.value = elements.display_name.defaultValue = name;
  elements.display_name.closest("label").hidden = provider !== "" || username.startsWith("ext:");
  $("#account-hint").textContent = `@${username}`;
  elements.inbox.value = privacy.inbox;
  for (const one of SWITCHES) {
    elements[one].checked = privacy[one] ?? true;
    elements[one].disabled = !(one in privacy);
    elements[one].closest("label").hidden = !(one in privacy);
  }
}
