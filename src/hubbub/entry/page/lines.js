// Lists to look at: what is pinned in a chat, who reacted, what was said before it was edited.

import { $, h, when } from "./dom.js";
import { show } from "./forms.js";
import { name, summary } from "./words.js";

/** `jump(id)`: to a message of the chat. Rejects where the server refuses. */
export async function showPins(api, session, chat, jump) {
  const { messages } = await api.get(`/chats/${chat.id}/pins`);
  const go = (id) => {
    $("#lines-dialog").close();
    jump(id);
  };
  list("Pinned messages", messages.map((message) => h("button", { type: "button",
    onclick: () => go(message.id) },
    h("b", {}, name(session, message.sender_id)), " ", summary(session, message))));
}

export async function showVersions(api, message) {
  const { edits } = await api.get(`/messages/${message.id}/edits`);
  const line = (at, content) => h("div", {}, h("small", {}, at), h("div", {}, content));
  list("Earlier versions", edits.map(({ at, content }) => line(when(at), content)));
}

/** Who has reacted, as many as one page has. */
export async function showReactors(api, session, { id }) {
  const { reactors, has_more: more } = await api.get(`/messages/${id}/reactions?limit=100`);
  await Promise.all(reactors.filter((one) => !session.user(one.user_id))
    .map(async ({ user_id }) => session.users.set(user_id, await api.get(`/users/${user_id}`))));
  const lines = reactors.map(({ user_id, reactions }) => h("div", {},
    h("b", {}, name(session, user_id)), " ", reactions.map(({ emoji }) => emoji).join(" ")));
  list("Who reacted", more ? [...lines, "and more"] : lines);
}

function list(title, lines) {
  $("#lines-title").textContent = title;
  $("#lines").replaceChildren(...lines.map((line) => h("li", {}, line)),
    ...(lines.length ? [] : [h("li", {}, "There are none.")]));
  show($("#lines-dialog"));
}
