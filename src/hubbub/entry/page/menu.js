// What may be done with a message, in a small dialog.

import { $, h } from "./dom.js";

/** Shows what this user may ask for; the server decides. `act`: by name, with the message. */
export function showMenu(me, chat, message, act) {
  const own = message.sender_id === me;
  const leads = chat.type === "group" && chat.role !== "member";
  const writes = chat.posting !== "admins" || leads || chat.type === "direct";
  const choices = [
    ["Reply", act.reply, writes],
    ["Edit", act.edit, own && writes && message.message_type !== "encrypted"],
    [message.pinned ? "Unpin" : "Pin", act.pin, leads || chat.type === "direct"],
    ["Delete for everyone", act.remove, own || leads],
  ];
  const dialog = $("#message-dialog");
  const button = ([label, work]) => h("button", { type: "button",
    onclick: () => { dialog.close(); work(message); } }, label);
  $("#choices").replaceChildren(...choices.filter(([, , may]) => may).map(button));
  dialog.showModal();
}
