// A chat as the state holds it. Pure.

import { Mentions } from "./mentions.js";

const SETTINGS = { title: "", description: "", posting: "all", slow_seconds: 0, history: "joined",
  visibility: "private" };

/** A chat's settings, those at their defaults too. */
export function settingsOf(told) {
  return Object.fromEntries(Object.entries(SETTINGS)
    .map(([name, initial]) => [name, told[name] ?? initial]));
}

/** One of which nothing is known but its place. `closed`: the server took no message to it. */
export function blank(id, place) {
  return { id, place, known: false, type: "group", peer: null, role: "member", size: 0,
    ...SETTINGS, settled: 0, at: "", mutedUntil: "", closed: false,
    read: 0, readNumber: null, newest: 0, mentions: new Mentions(), last: null,
    messages: [], hidden: new Set(), opened: false, hasOlder: true, hasNewer: false,
    members: null, cursor: null, cursors: new Map(), receipts: { delivered: 0, read: 0 } };
}

/** The user is in it again: of what was before `read` nothing counts any more. */
export function cameBack(chat, read) {
  Object.assign(chat, { read, readNumber: null, newest: 0, mentions: new Mentions() });
}

/** Whether this user, a member, owns or administrates the group. */
export function leads(chat) {
  return chat?.type === "group" && chat.role !== "member";
}

export function mayWrite(chat) {
  return chat.posting !== "admins" || chat.type === "direct" || leads(chat);
}

/** Whether the user does not want to be disturbed by it. `now`: milliseconds. */
export function isMuted(chat, now) {
  return Date.parse(chat.mutedUntil) > now;
}

/** How many messages after the read cursor the user has deleted for himself, as far as was told. */
export function hiddenAfter(chat) {
  return [...chat.hidden].filter((seq) => seq > chat.read).length;
}

/** The user has deleted a message for himself alone. Whether that may change what was said last. */
export function hide(chat, id, seq) {
  if (chat.hidden.has(seq)) return false;
  chat.hidden.add(seq);
  const i = chat.messages.findIndex((message) => message.id === id);
  const [message] = i < 0 ? [] : chat.messages.splice(i, 1);
  const root = message && chat.messages.find((one) => one.id === message.thread_id);
  if (root?.replies) root.replies.count -= 1;
  if (seq > chat.read && chat.readNumber !== null) chat.readNumber += 1;
  chat.mentions.take({ seq, rev: seq }, false);
  if (chat.last?.id !== id) return false;
  chat.last = chat.messages.at(-1) ?? null;
  return true;
}
