// What may be done with a message or a chat, in a small dialog.

import { isMuted, leads, mayWrite } from "./chat.js";
import { $, h } from "./dom.js";
import { QUICK } from "./reactions.js";

const HOUR_MS = 3_600_000;
const EVER = 100 * 365 * 24; // hours

/** Shows what this user may ask for; the server decides. `act`: by name, with the message. */
export function messageMenu(me, chat, message, act) {
  const own = message.sender_id === me;
  const writes = mayWrite(chat);
  const react = h("div.quick", { role: "group", "aria-label": "React" }, ...QUICK.map((emoji) =>
    h("button", { type: "button", "aria-label": `React with ${emoji}`,
      onclick: () => close(() => act.react(message, emoji)) }, emoji)));
  const plain = message.message_type !== "encrypted";
  choose("Message", react, [
    ["Reply", () => act.reply(message), writes],
    ["Open thread", () => act.thread(message), act.thread],
    ["Forward", () => act.forward(message), plain],
    ["Edit", () => act.edit(message), own && writes && plain && !message.forwarded_from],
    ["Who reacted", () => act.reactors(message), Object.keys(message.reactions ?? {}).length],
    ["Earlier versions", () => act.versions(message), message.edited_at && (own || leads(chat))],
    [message.pinned ? "Unpin" : "Pin", () => act.pin(message), leads(chat) || chat.type === "direct"],
    ["Delete for everyone", () => act.remove(message), own || leads(chat)],
    ["Delete for me", () => act.hide(message), true],
  ]);
}

/** The same for a chat. `act`: pins(), mute(until), block(user_id, whether). */
export function chatMenu(session, chat, act) {
  const now = Date.now();
  const muted = isMuted(chat, now);
  const mute = (hours) => act.mute(new Date(now + hours * HOUR_MS).toISOString());
  const { peer } = chat;
  const blocked = session.blocked.has(peer?.id);
  choose("Chat", "", [
    ["Pinned messages", () => act.pins(), true],
    ["Unmute", () => act.mute(null), muted],
    ["Mute for 8 hours", () => mute(8), !muted],
    ["Mute until I change it", () => mute(EVER), !muted],
    [`Unblock ${peer?.display_name}`, () => act.block(peer.id, false), peer && blocked],
    [`Block ${peer?.display_name}`, () => act.block(peer.id, true), peer && !blocked],
  ]);
}

function close(work) {
  $("#choice-dialog").close();
  work();
}

function choose(label, above, choices) {
  const dialog = $("#choice-dialog");
  dialog.setAttribute("aria-label", label);
  $("#choices").replaceChildren(above, ...choices.filter(([, , may]) => may)
    .map(([what, work]) => h("button", { type: "button", onclick: () => close(work) }, what)));
  dialog.showModal();
}
