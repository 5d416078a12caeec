// Messages as they are shown, in a chat and in a thread.

import { LINK, clock, day, h, icon, linkable, linked, tinted, when } from "./dom.js";
import { ALL, concerns, parts } from "./mentions.js";
import { chips, reactionsTo } from "./reactions.js";
import { status } from "./receipts.js";
import { many, name, summary } from "./words.js";

const LABELS = { queued: "Queued", sent: "Sent", delivered: "Delivered", read: "Read",
  failed: "Not sent" };
const TOGETHER_MS = 5 * 60_000; // messages of one sender so close together look like one

export function ticks(state) {
  return icon(state, LABELS[state]);
}

/** How a message that waits is shown. */
export function shownState(entry) {
  return entry.state === "failed" ? "failed" : "queued";
}

/** Makes what `patch` shows of messages that stand below each other, with days between them. */
export class Rows {
  /**
   * `act`: reply(message), more(message), thread(message), react(message, emoji), jump(id),
   * again(id), discard(id).
   * `root`: the message that began the thread, whose replies are then shown without saying so.
   */
  constructor(session, chat, act, root = null) {
    Object.assign(this, { session, chat, act, root });
  }

  items = [];
  #last = null;
  #date = "";

  /** A line between messages; what comes after it stands for itself. */
  note(key, kind, text) {
    this.items.push({ key, sign: text, make: () => h(`li.${kind}`, {}, h("span", {}, text)) });
    this.#last = null;
  }

  /** `unread`: the first that is. */
  add(message, unread = false) {
    this.#day(message.created_at);
    if (unread) this.note("unread", "unread", "Unread messages");
    const own = message.sender_id === this.session.me.id;
    this.#item(message, own ? status(this.chat, message) : null);
  }

  /** A message that waits. */
  wait(entry) {
    this.#day(entry.at);
    const forwarded_from = entry.forward && entry.from;
    this.#item({ ...entry, created_at: entry.at, sender_id: this.session.me.id, forwarded_from },
      shownState(entry));
  }

  #day(at) {
    const date = day(at);
    if (date !== this.#date) this.note(`day ${date}`, "day", date);
    this.#date = date;
  }

  #item(message, state) {
    const { session, chat } = this;
    const last = this.#last;
    this.#last = message;
    const key = message.client_id ?? message.id;
    if (message.message_type === "system") {
      const text = summary(session, message);
      this.items.push({ key, sign: text, make: () =>
        h("li.day.system", { "data-seq": message.seq }, h("span", {}, text)) });
      return;
    }
    const own = message.sender_id === session.me.id;
    const joins = last && last.sender_id === message.sender_id && last.message_type !== "system"
      && Date.parse(message.created_at) - Date.parse(last.created_at) < TOGETHER_MS;
    const { reply_to: answered, forwarded_from: author } = message;
    const shown = { state, own, joins, text: summary(session, message),
      sender: chat.type === "group" && !own && !joins ? name(session, message.sender_id) : null,
      author: author ? name(session, author) : null,
      quote: answered && answered !== this.root ? this.#quote(answered) : null,
      replies: this.root ? null : message.replies,
      reactions: reactionsTo(session, message),
      named: concerns(message, session.me.id),
      people: (message.mentions ?? []).map((id) => session.user(id) ?? { id }) };
    this.items.push({ key, sign: [message.id, message.rev, message.error, shown],
      make: () => bubble(message, shown, this.act, session.me.id) });
  }

  #quote(id) {
    const message = this.session.quoted(this.chat, id);
    if (!message) return ["", message === null ? "Message not available" : "…"];
    return [name(this.session, message.sender_id), summary(this.session, message)];
  }
}

function bubble(message, shown, act, me) {
  const { id, client_id } = message;
  const { state, own, joins, sender, author, replies } = shown;
  const tool = (label, shape, work) => h("button.icon.reply", { type: "button",
    "aria-label": label, title: label, onclick: () => work(message) }, icon(shape));
  const kind = `${own ? "own" : "other"}${joins ? "" : ".first"}${shown.named ? ".named" : ""}`;
  return h(`li.msg.${kind}`, { "data-seq": message.seq, "data-id": id, "data-status": state },
    h("div.bubble", {},
      sender ? tinted(h("div.sender", {}, sender), message.sender_id) : null,
      author ? h("div.forwarded", {}, icon("forward"), `Forwarded from ${author}`) : null,
      shown.quote ? quoted(shown.quote, () => act.jump(message.reply_to)) : null,
      h("div.text", {}, ...said(message, shown, me), ...media(message)),
      h("span.meta", {}, message.pinned ? "pinned " : null, message.edited_at ? "edited " : null,
        h("time", { datetime: message.created_at }, clock(message.created_at)),
        state ? ticks(state) : null),
      chips(shown.reactions, (emoji) => act.react(message, emoji)),
      replies?.count ? h("button.replies", { type: "button", onclick: () => act.thread(message) },
        icon("thread"), many(replies.count, "reply", "replies"),
        h("small", {}, ` ${when(replies.last_at)}`)) : null,
      state === "failed" ? h("div.failed", {}, `Not sent: ${message.error} `,
        button("Try again", () => act.again(client_id)),
        button("Discard", () => act.discard(client_id))) : null),
    ...(id && !message.is_deleted
      ? [tool("Reply", "reply", act.reply), tool("More", "dots", act.more)] : []));
}

function button(label, work) {
  return h("button", { type: "button", onclick: work }, label);
}

function quoted([who, what], jump) {
  return h("button.quote", { type: "button", onclick: jump },
    who ? h("b", {}, who) : null, h("span", {}, what));
}

function media(message) {
  return (message.media ?? []).filter((medium) => linkable(medium.url)).map((medium) =>
    h("a.media", { href: medium.url, ...LINK }, `${medium.type}: ${new URL(medium.url).host}`));
}

/** What the message says: with its links, and the names of whom it mentions. */
function said(message, { text, people }, me) {
  const asIs = message.content && !message.is_deleted && message.message_type !== "encrypted";
  if (!asIs) return [h("i", {}, text)];
  const mention = (word) => {
    const everybody = message.mention_all && word.toLowerCase() === ALL;
    const user = people.find(({ username }) => username === word.toLowerCase());
    if (!everybody && !user) return `@${word}`;
    return h(everybody || user.id === me ? "span.mention.me" : "span.mention",
      { title: everybody ? "Everybody" : user.display_name }, `@${word}`);
  };
  return linked(text).flatMap((part) => (typeof part === "string"
    ? parts(part).map((word, i) => (i % 2 ? mention(word) : word)) : part));
}
