// The list of chats. Reads the session, changes nothing in it.

import { isMuted } from "./chat.js";
import { $, avatar, h, icon, patch, when } from "./dom.js";
import { shownState, ticks } from "./bubble.js";
import { status } from "./receipts.js";
import { many, name, summary, title } from "./words.js";

export function showChats(session, typing) {
  const now = Date.now();
  const chats = session.sorted();
  $("#my-name").textContent = `${session.me.display_name} · @${session.me.username}`;
  $("#no-chats").hidden = chats.length > 0;
  patch($("#chats"), chats.map((chat) => chatItem(session, chat, typing(chat), now)));
  const calls = chats.filter((chat) =>
    chat.mentions.count || (session.unread(chat) && !isMuted(chat, now))).length;
  document.title = calls ? `(${calls}) Hubbub` : "Hubbub";
}

function chatItem(session, chat, typing, now) {
  const waiting = session.outbox.last(chat.id);
  const last = waiting ?? chat.last;
  const own = last && (waiting || last.sender_id === session.me.id);
  const state = !own || last.message_type === "system" ? null
    : waiting ? shownState(waiting) : status(chat, last);
  const says = typing || (last ? summary(session, last) : "");
  const named = chat.type === "group" && !typing && !own && last?.sender_id
    && last.message_type !== "system";
  const from = named ? `${name(session, last.sender_id)}: ` : "";
  const at = waiting?.at ?? chat.at;
  const [unread, mentions, muted] = [session.unread(chat), chat.mentions.count, isMuted(chat, now)];
  const current = chat.id === session.open;
  const time = at && when(at);
  const link = () =>
    h("a.chat", { href: `#${chat.id}`, "aria-current": current ? "true" : null },
      avatar(h("span.avatar", { "aria-hidden": "true" }), title(chat), chat.peer?.id ?? chat.id),
      h("span.name", {}, title(chat), muted ? icon("muted", "muted") : null),
      h("time", { datetime: at }, time),
      h(typing ? "span.says.typing" : "span.says", {},
        state && !typing ? ticks(state) : null, from + says),
      h("span.badges", {},
        mentions ? h("span.at", { role: "img", "aria-label": many(mentions, "mention") }, "@") : null,
        unread ? h(muted ? "span.badge.quiet" : "span.badge", { "aria-label": `${unread} unread` },
          unread > 999 ? "999+" : String(unread)) : null));
  return {
    key: chat.id,
    sign: [title(chat), state, says, from, time, unread, mentions, muted, current],
    make: () => h("li", {}, link()),
    redo: (node) => {
      const shown = node.firstElementChild;
      shown.toggleAttribute("aria-current", current);
      if (current) shown.setAttribute("aria-current", "true");
      shown.replaceChildren(...link().childNodes);
    },
  };
}
