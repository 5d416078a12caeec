// How far the others of a chat are, and what that says of a message. Pure.

import { forward } from "./fold.js";

export const STATUS = ["queued", "sent", "delivered", "read"];

/** This user has so much of the chat. */
export function advance(chat, user, delivered, read) {
  const cursor = chat.cursors.get(user) ?? { delivered: 0, read: 0 };
  chat.cursors.set(user, forward(cursor, delivered, read));
}

/** All others have so much. */
export function reached(chat, delivered, read) {
  chat.receipts = forward(chat.receipts, delivered, read);
}

/** Where all members are known: what all others have is what the last of them has. */
export function least(chat, me) {
  const others = chat.members.filter(({ user }) => user.id !== me)
    .map(({ user }) => chat.cursors.get(user.id));
  if (chat.cursor || !others.length) return;
  reached(chat, Math.min(...others.map((c) => c.delivered)), Math.min(...others.map((c) => c.read)));
}

/** `queued`, `sent`, `delivered` or `read`: the least of all recipients. */
export function status(chat, message) {
  const { delivered, read } = chat.receipts;
  const got = message.seq <= read ? 3 : message.seq <= delivered ? 2 : 1;
  return STATUS[Math.max(got, STATUS.indexOf(message.status))];
}

/** Whether there is an own message that not everybody has read, as far as is known. */
export function awaits(chat, me) {
  return [chat.last, ...chat.messages].some((message) => (
    message?.sender_id === me && status(chat, message) !== "read"));
}
