// The state of one signed-in user: chats as logs with places, folding, ticks, unread counts.
//
// Pure: no clock, no network, no page. Frames and pages of the REST interface go in; what is to be
// sent, and what has to be fetched (`wants`), comes out.

import { blank, cameBack, hiddenAfter, hide, settingsOf } from "./chat.js";
import { insert, latest, slices, tally } from "./fold.js";
import { concerns } from "./mentions.js";
import { advance, awaits, least, reached } from "./receipts.js";
import { Thread } from "./thread.js";
import { Typing } from "./typing.js";

const MAX_MESSAGES = 300; // of one chat in memory; what is further away is read again
const KEPT_MESSAGES = 60; // of a chat that is not open
const LARGE = 256; // members; above, receipts come as counts
const POSITIONS = 1000; // in one frame, which has a limit: 30 bytes each

export class Session {
  constructor(user, mePlace, outbox) {
    this.me = user;
    this.mePlace = mePlace;
    this.outbox = outbox;
  }

  chats = new Map();
  users = new Map();
  quotes = new Map(); // messages that are quoted but not loaded; null: not to be had
  typing = new Typing();
  presence = new Map(); // user → whether the peer of a chat on the screen is here
  blocked = new Set(); // users whom this one has blocked
  open = null; // the chat on the screen
  thread = null; // the thread beside it
  live = false; // caught up: from here on a log has no holes
  wants = { reload: false, repair: new Set(), chats: new Set(), members: new Set(),
    users: new Set(), messages: new Set() };

  #seen = new Map(); // log → newest position that came too early
  #dirty = new Set(); // logs whose place the server has not heard of
  #told = new Set(); // logs it was told of on this connection
  #reads = new Map(); // chat → read up to, until the own log confirms it
  #unsentReads = new Set();

  // ── places ───────────────────────────────────────────────────────────────────────────────

  place(log) {
    return log === "me" ? this.mePlace : this.chats.get(log)?.place;
  }

  #moveTo(log, position) {
    if (!(position > this.place(log))) return;
    if (log === "me") this.mePlace = position;
    else this.chats.get(log).place = position;
    this.#dirty.add(log);
  }

  /** Whether what is at `from`..`to` is news; a hole before it becomes a wish to repair. */
  #isNext(log, from, to = from) {
    const place = this.place(log);
    if (place === undefined || (this.live && from > place + 1)) {
      this.#seen.set(log, Math.max(to, this.#seen.get(log) ?? 0));
      (place === undefined ? this.wants.chats : this.wants.repair).add(log);
      return false;
    }
    if (to <= place) return false;
    this.#moveTo(log, to);
    return true;
  }

  /** A page of `/events` after the place. Answers whether another one is needed. */
  repaired(log, page) {
    for (const event of page.events) {
      if (!(event.rev > this.place(log))) continue;
      this.#moveTo(log, event.rev);
      if (event.type === "me") this.#me(event);
      else this.#message(event);
    }
    this.#moveTo(log, page.position);
    if (page.has_more || this.#seen.get(log) > this.place(log)) return true;
    this.#seen.delete(log);
    return false;
  }

  /** The frames that ask for everything since the places. */
  resume() {
    this.live = false;
    const chats = [...this.chats.values()];
    const places = [["me", this.mePlace], ...chats.map((chat) => [chat.id, chat.place])];
    const frames = slices(places, POSITIONS).map((part, i, all) => (
      { type: "resume", positions: Object.fromEntries(part), more: i < all.length - 1 }));
    frames.at(-1).receipts = chats.filter((chat) => awaits(chat, this.me.id)).map(({ id }) => id)
      .slice(0, 100);
    return frames;
  }

  /** What to tell the server now, in order; sends come last. */
  outgoing(now) {
    if (!this.live) return [];
    const logs = [...this.#dirty].filter((log) => this.place(log) !== undefined);
    const frames = slices(logs.map((log) => [log, this.place(log)]), POSITIONS)
      .map((part) => ({ type: "received", positions: Object.fromEntries(part) }));
    for (const log of logs) this.#told.add(log);
    for (const chat_id of this.#unsentReads) {
      const seq = this.#reads.get(chat_id);
      if (seq) frames.push({ type: "read", chat_id, seq });
    }
    this.#dirty.clear();
    this.#unsentReads.clear();
    return [...frames, ...this.outbox.frames(now)];
  }

  /** The connection is gone: what was said on it may not have been heard. */
  lost() {
    this.live = false;
    for (const log of this.#told) this.#dirty.add(log);
    for (const chat of this.#reads.keys()) this.#unsentReads.add(chat);
    this.#told.clear();
    this.typing.clear();
    this.presence.clear();
    this.outbox.lost();
  }

  // ── frames ───────────────────────────────────────────────────────────────────────────────

  frame(frame, now) {
    const chat = this.chats.get(frame.chat_id);
    switch (frame.type) {
      case "message":
        if (this.#isNext(frame.chat_id, frame.rev)) this.#message(frame);
        break;
      case "me":
        if (this.#isNext("me", frame.rev)) this.#me(frame);
        break;
      case "skip":
        this.#isNext(frame.chat_id, frame.from, frame.to);
        break;
      case "gap":
        if (chat) this.#forget(chat);
        if (chat) this.wants.chats.add(chat.id);
        else if (frame.chat_id === "me") this.wants.reload = true;
        this.#moveTo(frame.chat_id, frame.to);
        break;
      case "caught_up":
        for (const [log, position] of Object.entries(frame.positions)) this.#moveTo(log, position);
        this.live = true;
        break;
      case "delivery_receipt":
        if (chat) this.#receipt(chat, frame.delivered_to, frame.seq, 0);
        break;
      case "read_receipt":
        if (chat) this.#receipt(chat, frame.read_by, frame.seq, frame.seq);
        break;
      case "receipt_counts":
        if (chat && frame.delivered >= chat.size - 1) reached(chat, frame.seq, 0);
        if (chat && frame.read >= chat.size - 1) reached(chat, frame.seq, frame.seq);
        break;
      case "typing":
        this.typing.heard(frame, now);
        break;
      case "presence":
        this.presence.set(frame.user_id, frame);
        break;
      case "ack":
        if (this.outbox.acked(frame.client_id)) this.wants.messages.add(frame.id);
        break;
      case "error":
        this.#refused(frame, now);
        break;
    }
  }

  #refused(frame, now) {
    const chat = this.chats.get(this.outbox.refused(frame, now)?.chat_id);
    if (frame.code === "cannot_message" && chat?.type === "direct") chat.closed = true;
  }

  #message(message) {
    const chat = this.chats.get(message.chat_id);
    const system = message.message_type === "system";
    this.outbox.arrived(message);
    if (chat.hidden.has(message.seq)) return; // its frame was under way when that was told
    this.thread?.take(message);
    this.#unreadMention(chat, message);
    if (this.quotes.has(message.id)) this.quotes.set(message.id, message);
    const earlier = message.rev !== message.seq && message.number <= chat.newest;
    if (earlier) return void this.#add(chat, message); // its change moves no cursor
    this.typing.ended(chat.id, message.sender_id);
    if (chat.peer?.id === message.sender_id) chat.closed = false;
    if (message.rev === message.seq) chat.at = message.created_at;
    const settled = message.system?.kind === "chat_changed";
    if (settled) Object.assign(chat, settingsOf({ ...chat, ...message.system }), { settled: message.rev });
    else if (system) this.wants.chats.add(chat.id); // its size or people changed
    if (system && !settled && chat.members) this.wants.members.add(chat.id);
    chat.readNumber ??= message.number - (system ? 0 : 1);
    chat.newest = Math.max(chat.newest, message.number);
    if (message.sender_id === this.me.id) this.#readTo(chat, message.seq, message.number);
    else if (!system) this.#receipt(chat, message.sender_id, message.seq, message.seq);
    this.#add(chat, message);
    const most = this.open === chat.id ? MAX_MESSAGES : KEPT_MESSAGES;
    if (chat.messages.length > most) {
      chat.messages.splice(0, chat.messages.length - most);
      chat.hasOlder = true;
    }
  }

  /** Into what is loaded, if it belongs there. */
  #add(chat, message) {
    const { messages, hasOlder, hasNewer } = chat;
    const after = !hasNewer && (!messages.length || !hasOlder || message.seq > messages[0].seq);
    if (after || messages.some((m) => m.seq === message.seq)) insert(messages, message);
    tally(messages, message);
    chat.last = latest(chat.last, message);
  }

  #hide({ chat_id, message_id, seq }) {
    const chat = this.chats.get(chat_id);
    if (chat && hide(chat, message_id, seq)) this.wants.chats.add(chat_id);
    if (this.quotes.has(message_id)) this.quotes.set(message_id, null);
    this.thread?.hide(message_id);
  }

  #me(event) {
    if (event.kind === "hidden") this.#hide(event);
    if (event.display_name) this.me = { ...this.me, display_name: event.display_name };
    if (event.kind === "block") {
      this.blocked[event.blocked === false ? "delete" : "add"](event.user_id);
      const chat = [...this.chats.values()].find(({ peer }) => peer?.id === event.user_id);
      if (chat) chat.closed = false;
    }
    if (event.kind !== "chat") return;
    if (event.member === false) {
      this.chats.delete(event.chat_id);
      if (this.open === event.chat_id) this.open = this.thread = null;
      return;
    }
    const before = Math.max(0, (event.joined_seq ?? 0) - 1);
    const chat = this.#chat(event.chat_id, before);
    if (before > chat.place) {
      this.#forget(chat); // he left and came back meanwhile
      cameBack(chat, before);
      this.wants.chats.add(chat.id);
      this.#moveTo(chat.id, before);
    }
    chat.role = event.role ?? "member";
    chat.mutedUntil = event.muted_until ?? "";
    if (!chat.known) this.wants.chats.add(chat.id);
    const { read = 0, unread = 0 } = event;
    if (read >= this.#reads.get(chat.id)) this.#reads.delete(chat.id);
    if (!(read > chat.read && chat.newest)) return;
    if (this.#readTo(chat, read, chat.newest - unread)) this.wants.chats.add(chat.id);
  }

  #chat(id, place) {
    if (!this.chats.has(id)) this.chats.set(id, blank(id, place));
    return this.chats.get(id);
  }

  #forget(chat) {
    Object.assign(chat,
      { messages: [], last: null, opened: false, hasOlder: true, hasNewer: false });
    if (this.thread?.chat === chat.id) this.thread.forget();
  }

  // ── what REST says ───────────────────────────────────────────────────────────────────────

  /** A chat as REST shows it: new, or newer details of a known one. */
  chat(view) {
    const fresh = !this.chats.has(view.id);
    const chat = this.#chat(view.id, view.seq);
    const { last_message: last, read = 0, unread = 0, receipts = {} } = view;
    Object.assign(chat, { known: true, type: view.chat_type, role: view.role,
      peer: view.peer ?? null, size: view.member_count, mutedUntil: view.muted_until ?? "" });
    if (view.seq >= chat.settled) Object.assign(chat, settingsOf(view));
    if (view.last_activity_at > chat.at) chat.at = view.last_activity_at;
    if (chat.peer) this.users.set(chat.peer.id, chat.peer);
    if (last && fresh) chat.messages = [last];
    if (last) {
      this.outbox.arrived(last);
      chat.last = latest(chat.last, last);
      chat.newest = Math.max(chat.newest, last.number);
      this.#readTo(chat, read, last.number - unread);
    }
    if (read >= chat.read) chat.mentions.told(view.unread_mentions ?? 0, view.seq);
    if (unread && fresh) this.#dirty.add(chat.id);
    reached(chat, receipts.delivered ?? 0, receipts.read ?? 0);
    if (this.#seen.get(chat.id) > chat.place) this.wants.repair.add(chat.id);
    return chat;
  }

  /** A page of history: `newest`, `older` or `newer` than what is loaded, or `around` a message. */
  history(chat, page, where) {
    if (where === "around" || (where === "newest" && chat.hasNewer)) chat.messages = [];
    for (const message of page.messages.filter(({ seq }) => !chat.hidden.has(seq))) {
      this.outbox.arrived(message);
      insert(chat.messages, message);
      this.#unreadMention(chat, message);
    }
    chat.hasOlder = where === "around" || (where === "newer" ? chat.hasOlder : page.has_more);
    const extra = chat.messages.length - MAX_MESSAGES;
    if (extra > 0 && where === "older") chat.messages.splice(MAX_MESSAGES);
    else if (extra > 0) chat.hasOlder = Boolean(chat.messages.splice(0, extra));
    chat.last = latest(chat.last, chat.messages.at(-1));
    const end = chat.messages.at(-1)?.seq;
    chat.hasNewer = chat.last?.seq > end || (where === "newer" && page.has_more);
    chat.opened = true;
  }

  /** A page of members, which begins a new list where there was no cursor. */
  membersPage(chat, page, cursor) {
    chat.members = cursor ? [...chat.members, ...page.members] : page.members;
    chat.cursor = page.has_more ? page.cursor : null;
    for (const { user, delivered = 0, read = 0 } of page.members) {
      this.users.set(user.id, user);
      advance(chat, user.id, delivered, read);
    }
    least(chat, this.me.id);
  }

  /** One message by its id, or null where there is none: a quote, or what a second ack named. */
  message(id, message) {
    if (this.quotes.size > 500) this.quotes.clear();
    this.quotes.set(id, message);
    if (message) this.outbox.arrived(message);
    const chat = this.chats.get(message?.chat_id);
    if (chat && message.seq <= chat.place) this.#add(chat, message);
  }

  /** The message that another one answers: undefined until it is known, null where it is gone. */
  quoted(chat, id) {
    const found = chat.messages.find((m) => m.id === id) ?? this.quotes.get(id);
    if (found === undefined) this.wants.messages.add(id);
    return found;
  }

  user(id) {
    if (id === this.me.id) return this.me;
    if (id && !this.users.has(id)) this.wants.users.add(id);
    return this.users.get(id);
  }

  // ── receipts, unread, typing ─────────────────────────────────────────────────────────────

  /** He has everything up to there; who writes a message has also read what was before it. */
  #receipt(chat, user, delivered, read) {
    advance(chat, user, delivered, read);
    if (chat.type === "direct") reached(chat, delivered, read);
    else if (chat.members && !chat.cursor) least(chat, this.me.id);
    else if (chat.size <= LARGE && awaits(chat, this.me.id)) this.wants.members.add(chat.id);
  }

  unread(chat) {
    return Math.max(0, chat.newest - (chat.readNumber ?? chat.newest));
  }

  /** `number`: how many messages are read then, where no loaded message tells. */
  #readTo(chat, seq, number) {
    chat.read = Math.max(chat.read, seq);
    const known = chat.messages.findLast((m) => m.seq <= chat.read);
    const counted = known ? known.number + hiddenAfter(chat) : 0;
    chat.readNumber = Math.max(chat.readNumber ?? 0, number, counted);
    return chat.mentions.read(chat.read);
  }

  /** A message that came may be one more that names the user, or one less. */
  #unreadMention(chat, message) {
    if (message.seq <= chat.read) return;
    if (chat.mentions.take(message, concerns(message, this.me.id))) this.wants.chats.add(chat.id);
  }

  /** The user has seen the chat up to `seq`. */
  markRead(chat, seq) {
    if (seq <= chat.read) return;
    this.#readTo(chat, seq, seq >= chat.place ? chat.newest : 0);
    this.#reads.set(chat.id, seq);
    this.#unsentReads.add(chat.id);
  }

  /** Chats, most recently active first. */
  sorted() {
    const at = (chat) => [chat.at, this.outbox.last(chat.id)?.at ?? ""].sort()[1];
    return [...this.chats.values()].sort((a, b) => (at(a) < at(b) ? 1 : -1));
  }

  /** The chat to show, or null. Chats that are not open keep only their newest messages. */
  show(chatId) {
    const before = this.chats.get(this.open);
    this.open = this.chats.has(chatId) ? chatId : null;
    this.thread = null;
    if (!before || before.id === chatId) return;
    if (before.hasNewer) Object.assign(before, { messages: [], opened: false, hasNewer: false });
    if (before.messages.length > KEPT_MESSAGES) {
      before.messages = before.messages.slice(-KEPT_MESSAGES);
      before.hasOlder = true;
    }
  }

  /** Show the thread that this message of the open chat began, or none. */
  showThread(id) {
    if (id !== this.thread?.id) this.thread = id ? new Thread(this.open, id) : null;
  }
}
