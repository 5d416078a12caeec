// The card to sign in or up, and the dialogs: they ask, and call what they are given.

import { $, avatar, h, patch } from "./dom.js";
import { offerProviders } from "./providers.js";

/** Runs a form's work once at a time; what is refused stands in the form. */
export function onSubmit(form, work) {
  const says = $(".error", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    says.hidden = true;
    try {
      await work(Object.fromEntries(new FormData(form)));
    } catch (error) {
      says.textContent = error.message;
      says.hidden = false;
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

function names(text) {
  return text.split(/[\s,;]+/).map((name) => name.replace(/^@/, "").toLowerCase()).filter(Boolean);
}

/**
 * Shows the card. `invite`: the code of a link; `setup`: it makes the admin; `provided`: see
 * `offerProviders`.
 */
export async function enterCard(api, { invite, setup, ...provided }, done) {
  const form = $("#enter-form");
  const given = invite ?? setup;
  const mode = (how) => {
    form.dataset.mode = how;
    for (const tab of form.querySelectorAll("[data-mode]")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.mode === how));
    }
    form.elements.password.autocomplete = how === "login" ? "current-password" : "new-password";
    $(".primary", form).textContent = how === "login" ? "Sign in" : "Sign up";
    $(".error", form).hidden = true;
  };
  for (const tab of form.querySelectorAll("[data-mode]")) {
    tab.addEventListener("click", () => mode(tab.dataset.mode));
  }
  mode(given ? "register" : "login");
  form.elements.invite.value = given ?? "";
  form.classList.toggle("invited", Boolean(given));
  const hint = $("#enter-hint");
  if (setup) hint.textContent = "The first account looks after this server. Make yours.";
  else if (invite) hint.textContent = "You are invited. Choose a user name to join.";
  $("#use-password").addEventListener("click", () => {
    form.classList.add("by-password");
    form.elements.username.focus();
  });
  if (given) form.classList.add("by-password");
  onSubmit(form, async (fields) => {
    const username = fields.username.trim().replace(/^@/, "").toLowerCase();
    const { password } = fields;
    try {
      if (form.dataset.mode === "login") {
        await api.enter("login", { username, password });
      }
      else {
        const display_name = fields.display_name.trim() || undefined;
        const code = fields.invite.trim() || undefined;
        await api.enter("register", { username, password, display_name, invite: code });
      }
    } catch (error) {
      const needsInvite = ["registration_closed", "invite_invalid"].includes(error.code);
      if (needsInvite) form.classList.add("invited");
      throw error;
    }
    form.reset();
    $("#enter").hidden = true;
    done();
  });
  await offerProviders(api, form, provided);
  $("#enter").hidden = false;
  const first = $("#providers a");
  (first && !form.matches(".by-password") ? first : form.elements.username).focus();
}

/** The dialogs. `act`: chat(name), group(title, names), invite(), members: see below. */
export function dialogs(act) {
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => show($(`#${button.dataset.open}`)));
  }
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  const form = (id) => $(`#${id} form`);
  onSubmit(form("chat-dialog"), async (fields) => {
    await act.startChat(names(fields.names));
    $("#chat-dialog").close();
  });
  onSubmit(form("group-dialog"), async (fields) => {
    await act.startGroup(fields.title.trim(), names(fields.names));
    $("#group-dialog").close();
  });
  onSubmit(form("invite-dialog"), async () => {
    const { link } = form("invite-dialog").elements;
    link.value = await act.invite();
    link.select();
  });
  onSubmit(form("members-dialog"), async (fields) => {
    await act.addMembers(names(fields.names));
    form("members-dialog").elements.names.value = "";
  });
  $("#show-members").addEventListener("click", () => {
    act.loadMembers();
    show($("#members-dialog"));
  });
  $("#more-members").addEventListener("click", act.moreMembers);
  $("#leave-group").addEventListener("click", () => act.leave());
}

export function show(dialog) {
  $("form", dialog).reset();
  $(".error", dialog).hidden = true;
  dialog.showModal();
}

/** The members of the open group; closes when there is none. */
export function showMembers(session, chat, act) {
  const dialog = $("#members-dialog");
  if (!dialog.open) return;
  if (!chat) {
    dialog.close();
    return;
  }
  const leads = chat.role !== "member";
  const owns = chat.role === "owner";
  $("#add-members").hidden = !leads;
  $("#add-members input").required = leads;
  $("#more-members").hidden = !chat.cursor;
  patch($("#members"), (chat.members ?? []).map(({ user, role }) => ({
    key: user.id, sign: [user.display_name, role, leads, owns],
    make: () => h("li", {},
      avatar(h("span.avatar", { "aria-hidden": "true" }), user.display_name, user.id),
      h("span.name", {}, user.display_name,
        h("small", {}, role === "member" ? `@${user.username}` : `@${user.username}, ${role}`)),
      owns && user.id !== session.me.id ? roles(user, role, act.role) : null,
      leads && role !== "owner" && user.id !== session.me.id
        ? h("button", { type: "button", onclick: () => act.remove(user.id),
          "aria-label": `Remove ${user.display_name}` }, "Remove") : null),
  })));
}

/** Who may do what, for an owner to choose. */
function roles(user, role, change) {
  const options = ["owner", "admin", "member"].map((name) =>
    h("option", { value: name, selected: name === role ? "" : null }, name));
  return h("select", { "aria-label": `Role of ${user.display_name}`,
    onchange: (event) => change(user.id, event.target.value) }, ...options);
}
