// What groups are asked and told beyond messages: settings, invites, public groups to join.

import { $, avatar, h, patch } from "./dom.js";
import { onSubmit, show } from "./forms.js";

const FOUND = 20;

/** `act`: chat(), set(fields), link(), look(code), follow(code), find(text), join(id). */
export function groupDialogs(act) {
  const settings = $("#settings-dialog form");
  $("#show-settings").addEventListener("click", () => {
    show($("#settings-dialog"));
    fill(settings.elements, act.chat());
  });
  onSubmit(settings, async (fields) => {
    const wanted = changed(fields, act.chat());
    if (Object.keys(wanted).length) await act.set(wanted);
    $("#settings-dialog").close();
  });
  $("#group-link").addEventListener("click", async () => {
    const { link } = settings.elements;
    const says = $(".error", settings);
    says.hidden = true;
    try {
      link.value = await act.link();
    } catch (error) {
      says.textContent = error.message;
      says.hidden = false;
      return;
    }
    link.select(); // for where there is no clipboard for us
    const copied = navigator.clipboard?.writeText(link.value).then(() => true, () => false);
    if (await copied) $("#group-link").textContent = "Copied";
  });
  const find = $("#find-dialog form");
  const search = async () => {
    const text = encodeURIComponent(find.elements.text.value.trim());
    const { chats } = await act.find(`q=${text}&limit=${FOUND}`);
    $("#found-none").hidden = chats.length > 0;
    patch($("#found"), chats.map((chat) => found(chat, act.join)));
  };
  onSubmit(find, search);
  $("#find-group").addEventListener("click", () => {
    show($("#find-dialog"));
    $("#found").replaceChildren();
    find.requestSubmit();
  });
  onSubmit($("#join-dialog form"), async () => {
    await act.follow($("#join-dialog").dataset.code);
    $("#join-dialog").close();
  });
}

/** Asks whether to follow an invite. Rejects where it leads nowhere. */
export async function askToJoin(code, look) {
  const { title, member_count: size, invited_by: by } = await look(code);
  const name = title ?? "a group without a title";
  avatar($("#join-avatar"), name, name);
  $("#join-title").textContent = name;
  $("#join-hint").textContent = `${by.display_name} invites you. ${members(size)}.`;
  show($("#join-dialog"));
  $("#join-dialog").dataset.code = code;
}

/** What a change of settings says, for people. */
export function changes(said) {
  const parts = [];
  if ("title" in said) {
    parts.push(said.title ? `named the group “${said.title}”` : "took the title away");
  }
  if ("description" in said) parts.push("changed the description");
  if ("picture" in said) parts.push("changed the picture");
  if (said.posting) {
    parts.push(said.posting === "all" ? "let everybody write" : "let only admins write");
  }
  if ("slow_seconds" in said) {
    parts.push(said.slow_seconds ? `set slow mode to ${seconds(said.slow_seconds)}`
      : "ended slow mode");
  }
  if (said.history) {
    parts.push(said.history === "all" ? "opened the whole history to members"
      : "closed what was before members came");
  }
  if (said.visibility) parts.push(`made the group ${said.visibility}`);
  if (parts.length < 2) return parts[0] ?? "changed the group";
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function fill(elements, chat) {
  for (const name of ["title", "description", "posting", "history", "visibility"]) {
    elements[name].value = chat[name];
  }
  const { slow_seconds: slow } = elements;
  if (![...slow.options].some((option) => Number(option.value) === chat.slow_seconds)) {
    slow.add(new Option(seconds(chat.slow_seconds), chat.slow_seconds));
  }
  slow.value = chat.slow_seconds;
  for (const name of ["history", "visibility"]) elements[name].disabled = chat.role !== "owner";
  elements.link.value = "";
  $("#group-link").textContent = "New link";
}

function changed({ title, description, slow_seconds, ...rest }, chat) {
  const now = { title: title.trim() || null, description: description.trim(),
    slow_seconds: Number(slow_seconds), ...rest };
  delete now.link;
  const was = { ...chat, title: chat.title || null };
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => was[name] !== value));
}

function found(chat, join) {
  const hint = [members(chat.member_count), chat.description].filter(Boolean).join(" · ");
  return { key: chat.id, sign: chat, make: () => h("li", {},
    avatar(h("span.avatar", { "aria-hidden": "true" }), chat.title, chat.id),
    h("span.name", {}, chat.title, h("small", {}, hint)),
    h("button", { type: "button", onclick: () => join(chat.id),
      "aria-label": `Join ${chat.title}` }, "Join")) };
}

function members(size) {
  return `${size} ${size === 1 ? "member" : "members"}`;
}

function seconds(count) {
  if (count % 3600 === 0) return count === 3600 ? "an hour" : `${count / 3600} hours`;
  if (count % 60 === 0) return count === 60 ? "a minute" : `${count / 60} minutes`;
  return `${count} seconds`;
}
