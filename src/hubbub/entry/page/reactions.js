// Emoji that people put to messages.

import { h } from "./dom.js";
import { many } from "./words.js";

export const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"];

/** What is put to a message: {emoji, count, own, people}; `own` and `people` where that is told. */
export function reactionsTo(session, { reactions = {}, reacted_by: by = {} }) {
  const name = (id) => (id === session.me.id ? "you" : session.user(id)?.display_name ?? "…");
  return Object.entries(reactions).map(([emoji, count]) => ({ emoji, count,
    own: by[emoji]?.includes(session.me.id) ?? false, people: (by[emoji] ?? []).map(name) }));
}

/** A button for each; a press puts one's own there, or takes it away. */
export function chips(shown, press) {
  if (!shown.length) return null;
  return h("div.reactions", {}, ...shown.map(({ emoji, count, own, people }) => {
    const who = people.length ? people.join(", ") : many(count, "person", "people");
    return h("button", { type: "button", "aria-pressed": String(own), title: who,
      "aria-label": `${emoji} from ${who}`, onclick: () => press(emoji) },
      emoji, h("span", {}, String(count)));
  }));
}

/** Puts an emoji to a message, or takes it away where it is one's own already. */
export async function toggle(api, me, { id, reactions = {}, reacted_by: by = {} }, emoji) {
  const told = by[emoji] ?? (emoji in reactions ? undefined : []);
  const own = told?.includes(me)
    ?? (await api.get(`/messages/${id}/reactions?limit=1`)).own.includes(emoji);
  await api.call(own ? "DELETE" : "PUT", `/messages/${id}/reactions/${encodeURIComponent(emoji)}`);
}
