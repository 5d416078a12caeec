// What the user may do in the open chat, as the page offers it.

import { leads, mayWrite } from "./chat.js";
import { $ } from "./dom.js";
import { title } from "./words.js";

/** Called whenever the open chat may have changed. */
export function showRights(session, chat) {
  const leading = leads(chat);
  $("#show-settings").hidden = !leading;
  if (!leading && $("#settings-dialog").open) $("#settings-dialog").close();
  const blocked = session.blocked.has(chat?.peer?.id);
  const says = chat && closed(chat, blocked);
  for (const form of [$("#compose"), $("#thread-compose")]) form.hidden = Boolean(says);
  $("#closed").hidden = !says;
  $("#closed span").textContent = says;
  $("#unblock").hidden = !blocked;
  $("#write-again").hidden = blocked || !chat?.closed;
  $("#about").textContent = chat?.description ?? "";
  $("#about").hidden = !chat?.description;
}

/** Why nothing can be written there; empty where it can. */
function closed(chat, blocked) {
  if (!mayWrite(chat)) return "Only owners and admins write in this group.";
  if (blocked) return `You have blocked ${title(chat)}. Neither of you can write to the other.`;
  return chat.closed ? `You cannot write to ${title(chat)}.` : "";
}
