// Shows the state: chat list, the open chat. Reads the session, changes nothing in it.

import { $, LINK, avatar, clock, day, h, icon, lately, linkable, linked, patch, tinted, when }
  from "./dom.js";
import { changes } from "./groups.js";

const LABELS = { queued: "Queued", sent: "Sent", delivered: "Delivered", read: "Read",
  failed: "Not sent" };
const TOGETHER_MS = 5 * 60_000; // messages of one sender so close together look like one
const BOTTOM = 60; // pixels from the end that still count as the end
const NEAR = 400; // pixels from the edge of what is loaded where more is loaded
const MOST_UNREAD = 250; // loaded at once to begin where reading stopped

export function title(chat) {
  return chat.title || chat.peer?.display_name || (chat.known ? "Group" : "…");
}

function name(session, id) {
  return id === session.me.id ? "You" : session.user(id)?.display_name ?? "…";
}

/** One line of what a message says. */
function summary(session, message) {
  if (message.is_deleted) return "Message deleted";
  if (message.message_type === "system") return systemText(session, message.system ?? {});
  if (message.message_type === "encrypted") return "Encrypted message";
  if (message.content) return message.content;
  return `[${message.message_type ?? message.media?.[0]?.type ?? "media"}]`;
}

function systemText(session, said) {
  const { kind, by, user_id, user_ids = [], count, role, owner, invited_by: host } = said;
  const whom = (id) => (id === session.me.id ? "you" : name(session, id));
  const people = user_ids.map(whom).join(", ");
  const more = count > user_ids.length ? ` and ${count - user_ids.length} more` : "";
  const verb = owner === session.me.id ? "are" : "is";
  const heir = owner ? `; ${whom(owner)} ${verb} owner now` : "";
  switch (kind) {
    case "members_added":
      return `${name(session, by)} added ${people}${more}`;
    case "member_joined":
      return `${name(session, user_id)} joined${host ? ` by an invite from ${whom(host)}` : ""}`;
    case "member_left": return `${name(session, user_id)} left${heir}`;
    case "member_removed": return `${name(session, by)} removed ${whom(user_id)}${heir}`;
    case "role_changed": return `${name(session, by)} made ${whom(user_id)} ${role}`;
    case "chat_changed": return `${name(session, by)} ${changes(said)}`;
    default: return "The chat changed";
  }
}

function ticks(status) {
  return icon(status, LABELS[status]);
}

// ── the list of chats ──────────────────────────────────────────────────────────────────────

export function showChats(session, typing, open) {
  const chats = session.sorted();
  $("#no-chats").hidden = chats.length > 0;
  patch($("#chats"), chats.map((chat) => chatItem(session, chat, typing(chat), open)));
  const unread = chats.filter((chat) => session.unread(chat)).length;
  document.title = unread ? `(${unread}) Hubbub` : "Hubbub";
}

function chatItem(session, chat, typing, open) {
  const waiting = session.outbox.last(chat.id);
  const last = waiting ?? chat.last;
  const own = last && (waiting || last.sender_id === session.me.id);
  const status = !own || last.message_type === "system" ? null
    : waiting ? shownState(waiting) : session.status(chat, last);
  const says = typing || (last ? summary(session, last) : "");
  const named = chat.type === "group" && !typing && !own && last?.sender_id
    && last.message_type !== "system";
  const from = named ? `${name(session, last.sender_id)}: ` : "";
  const at = waiting?.at ?? chat.at;
  const unread = session.unread(chat);
  const current = chat.id === open;
  const badge = unread > 999 ? "999+" : String(unread);
  const time = at && when(at);
  const link = () =>
    h("a.chat", { href: `#${chat.id}`, "aria-current": current ? "true" : null },
      avatar(h("span.avatar", { "aria-hidden": "true" }), title(chat), chat.peer?.id ?? chat.id),
      h("span.name", {}, title(chat)),
      h("time", { datetime: at }, time),
      h(typing ? "span.says.typing" : "span.says", {},
        status && !typing ? ticks(status) : null, from + says),
      unread ? h("span.badge", { "aria-label": `${unread} unread` }, badge) : null);
  return {
    key: chat.id,
    sign: [title(chat), status, says, from, time, unread, current],
    make: () => h("li", {}, link()),
    redo: (node) => {
      const shown = node.firstElementChild;
      shown.toggleAttribute("aria-current", current);
      if (current) shown.setAttribute("aria-current", "true");
      shown.replaceChildren(...link().childNodes);
    },
  };
}

function shownState(entry) {
  return entry.state === "failed" ? "failed" : "queued";
}

// ── the open chat ──────────────────────────────────────────────────────────────────────────

export class Room {
  /** `act`: older(), newer(), seen(), jump(id), reply(message), more(message), again(id), discard(id). */
  constructor(act) {
    this.#act = act;
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
    new ResizeObserver(() => this.#pinned && this.toEnd()).observe(this.#scroll);
  }

  #act;
  #scroll = $("#scroll");
  #list = $("#messages");
  #chat = null;
  #pinned = true; // the end stays in view
  #placed = false; // after opening: scrolled to where reading goes on
  #target = null; // a message to jump to

  show(session, chat, { separator, typing }) {
    if (this.#chat?.id !== chat.id) {
      this.#chat = chat;
      [this.#placed, this.#pinned, this.#target] = [false, true, null];
    }
    this.#head(chat, typing, session.presence.get(chat.peer?.id));
    const view = this.#scroll;
    const anchor = this.#pinned ? null : [...this.#list.children].find((node) =>
      node.dataset.key !== "more" && node.offsetTop + node.offsetHeight > view.scrollTop);
    const before = anchor?.offsetTop;
    patch(this.#list, this.#items(session, chat, separator));
    if (!this.#placed && chat.opened) this.#place(chat, separator);
    else if (this.#target) this.#jump();
    else if (this.#pinned && !chat.hasNewer) this.toEnd();
    else if (anchor?.isConnected) view.scrollTop += anchor.offsetTop - before;
    const unread = session.unread(chat);
    $("#latest span").textContent = unread || "";
    this.#scrolled();
  }

  #head(chat, typing, peer) {
    $("#room-title").textContent = title(chat);
    avatar($("#room-avatar"), title(chat), chat.peer?.id ?? chat.id);
    const people = `${chat.size} ${chat.size === 1 ? "member" : "members"}`;
    const here = peer?.status === "online" ? " · online"
      : peer?.last_seen_at ? ` · last seen ${lately(peer.last_seen_at)}` : "";
    const hint = chat.type === "group" ? people : `@${chat.peer?.username ?? ""}${here}`;
    $("#room-hint").textContent = typing || hint;
    $("#room-avatar").classList.toggle("online", peer?.status === "online");
    $("#room-hint").classList.toggle("typing", Boolean(typing));
    $("#show-members").hidden = chat.type !== "group";
  }

  #items(session, chat, separator) {
    const items = [];
    const note = (key, kind, text) => items.push({ key, sign: text,
      make: () => h(`li.${kind}`, {}, h("span", {}, text)) });
    let last = null;
    let marked = separator === null;
    const add = (message, status) => {
      const date = day(message.created_at);
      if (!last || day(last.created_at) !== date) {
        note(`day ${date}`, "day", date);
        last = null;
      }
      if (!marked && message.seq > separator && message.sender_id !== session.me.id) {
        note("unread", "unread", "Unread messages");
        marked = true;
        last = null;
      }
      items.push(this.#item(session, chat, message, status, last));
      last = message;
    };
    if (chat.hasOlder) items.push({ key: "more", sign: "", make: () => h("li.more") });
    for (const message of chat.messages) {
      add(message, message.sender_id === session.me.id ? session.status(chat, message) : null);
    }
    for (const entry of chat.hasNewer ? [] : session.outbox.of(chat.id)) {
      add({ ...entry, created_at: entry.at, sender_id: session.me.id }, shownState(entry));
    }
    return items;
  }

  #item(session, chat, message, status, last) {
    const key = message.client_id ?? message.id;
    if (message.message_type === "system") {
      const text = summary(session, message);
      return { key, sign: text, make: () =>
        h("li.day.system", { "data-seq": message.seq }, h("span", {}, text)) };
    }
    const own = message.sender_id === session.me.id;
    const joins = last && last.sender_id === message.sender_id && last.message_type !== "system"
      && Date.parse(message.created_at) - Date.parse(last.created_at) < TOGETHER_MS;
    const named = chat.type === "group" && !own && !joins;
    const shown = { status, own, joins, text: summary(session, message),
      sender: named ? name(session, message.sender_id) : null,
      quote: message.reply_to ? this.#quote(session, chat, message.reply_to) : null };
    const sign = [message.id, message.rev, message.error, shown];
    return { key, sign, make: () => this.#bubble(message, shown) };
  }

  #quote(session, chat, id) {
    const message = session.quoted(chat, id);
    if (!message) return ["", message === null ? "Message not available" : "…"];
    return [name(session, message.sender_id), summary(session, message)];
  }

  #bubble(message, { status, own, joins, text, sender, quote }) {
    const { id, client_id } = message;
    const asIs = message.content && !message.is_deleted && message.message_type !== "encrypted";
    const media = (message.media ?? []).filter((medium) => linkable(medium.url)).map((medium) =>
      h("a.media", { href: medium.url, ...LINK }, `${medium.type}: ${new URL(medium.url).host}`));
    const acts = { reply: this.#act.reply, dots: this.#act.more };
    const tool = (label, shape) => h("button.icon.reply", { type: "button", "aria-label": label,
      title: label, onclick: () => acts[shape](message) }, icon(shape));
    const button = (label, work) => h("button", { type: "button", onclick: work }, label);
    return h(`li.msg.${own ? "own" : "other"}${joins ? "" : ".first"}`,
      { "data-seq": message.seq, "data-id": id, "data-status": status },
      h("div.bubble", {},
        sender ? tinted(h("div.sender", {}, sender), message.sender_id) : null,
        quote ? h("button.quote", { type: "button",
          onclick: () => this.#act.jump(message.reply_to) },
          quote[0] ? h("b", {}, quote[0]) : null, h("span", {}, quote[1])) : null,
        h("div.text", {}, ...(asIs ? linked(text) : [h("i", {}, text)]), ...media),
        h("span.meta", {}, message.pinned ? "pinned " : null, message.edited_at ? "edited " : null,
          h("time", { datetime: message.created_at }, clock(message.created_at)),
          status ? ticks(status) : null),
        status === "failed" ? h("div.failed", {}, `Not sent: ${message.error} `,
          button("Try again", () => this.#act.again(client_id)),
          button("Discard", () => this.#act.discard(client_id))) : null),
      ...(id && !message.is_deleted ? [tool("Reply", "reply"), tool("More", "dots")] : []));
  }

  /** After opening: to where reading goes on, for which older messages may have to come first. */
  #place(chat, separator) {
    const { messages, hasOlder } = chat;
    const far = separator !== null && hasOlder && messages[0].seq > separator + 1;
    if (far && messages.length < MOST_UNREAD) {
      this.#act.older();
      return;
    }
    this.#placed = true;
    const mark = $("[data-key=unread]", this.#list);
    if (mark) this.#scroll.scrollTop = mark.offsetTop - this.#scroll.clientHeight / 4;
    else this.toEnd();
  }

  /** Show this message as soon as it is there. */
  jumpTo(id) {
    this.#target = id;
  }

  #jump() {
    const node = $(`[data-id="${CSS.escape(this.#target)}"]`, this.#list);
    if (!node) return;
    [this.#target, this.#pinned] = [null, false];
    node.scrollIntoView({ block: "center" });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), 1600);
  }

  toEnd() {
    [this.#target, this.#pinned] = [null, true];
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #fromEnd() {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight;
  }

  /** Up to which position the reader has seen the chat; all of it at the end. */
  seen() {
    if (!this.#placed) return 0;
    if (this.#fromEnd() < BOTTOM && !this.#chat.hasNewer) return this.#chat.place;
    const end = this.#scroll.scrollTop + this.#scroll.clientHeight;
    const node = [...this.#list.children]
      .findLast((item) => item.dataset.seq && item.offsetTop + 20 < end);
    return Number(node?.dataset.seq ?? 0);
  }

  #scrolled() {
    if (!this.#placed) return;
    const { hasOlder, hasNewer } = this.#chat;
    this.#pinned = this.#fromEnd() < BOTTOM;
    $("#latest").hidden = this.#pinned && !hasNewer;
    if (hasOlder && this.#scroll.scrollTop < NEAR) this.#act.older();
    if (hasNewer && this.#fromEnd() < NEAR) this.#act.newer();
    this.#act.seen();
  }
}
