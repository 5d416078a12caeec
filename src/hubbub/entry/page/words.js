// What chats, people and messages are called, in one line each.

import { changes } from "./groups.js";

export function title(chat) {
  return chat.title || chat.peer?.display_name || (chat.known ? "Group" : "…");
}

export function name(session, id) {
  return id === session.me.id ? "You" : session.user(id)?.display_name ?? "…";
}

export function many(count, thing, things = `${thing}s`) {
  return `${count} ${count === 1 ? thing : things}`;
}

/** One line of what a message says. */
export function summary(session, message) {
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

/** Who types there just now. */
export function typers(session, chat, now) {
  const names = session.typing.in(chat.id, now).filter((id) => id !== session.me.id)
    .map((id) => session.user(id)?.display_name ?? "Somebody");
  if (!names.length) return "";
  if (chat.type === "direct") return "typing…";
  return `${names.slice(0, 3).join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** A device by what its program calls itself. */
export function device(agent) {
  const find = (...names) => names.find(([mark]) => agent.includes(mark))?.[1];
  const program = find(["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"],
    ["Chrome/", "Chrome"], ["Safari/", "Safari"]);
  const system = find(["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"],
    ["Windows", "Windows"], ["Mac OS", "Mac"], ["Linux", "Linux"]);
  return program && system ? `${program} on ${system}` : agent || "A device";
}
