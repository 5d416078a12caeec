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
    messages: [], opened: false, hasOlder: true, hasNewer: false,
    members: null, cursor: null, cursors: new Map(), receipts: { delivered: 0, read: 0 } };
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
