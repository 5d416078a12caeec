// The open chat. Reads the session, changes nothing in it.

import { Rows } from "./bubble.js";
import { $, avatar, h, lately, patch } from "./dom.js";
import { many, title } from "./words.js";

const BOTTOM = 60; // pixels from the end that still count as the end
const NEAR = 400; // pixels from the edge of what is loaded where more is loaded
const MOST_UNREAD = 250; // loaded at once to begin where reading stopped

export class Room {
  /** `act`: older(), newer(), seen(), and those of `Rows`. */
  constructor(act) {
    this.#act = act;
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
    $("#mention").addEventListener("click", () => act.jump(this.#mention));
    new ResizeObserver(() => this.#pinned && this.toEnd()).observe(this.#scroll);
  }

  #act;
  #scroll = $("#scroll");
  #list = $("#messages");
  #chat = null;
  #pinned = true; // the end stays in view
  #placed = false; // after opening: scrolled to where reading goes on
  #target = null; // a message to jump to
  #mention = null; // the next unread message that names the user

  show(session, chat, { separator, typing }) {
    if (this.#chat?.id !== chat.id) {
      this.#chat = chat;
      [this.#placed, this.#pinned, this.#target] = [false, true, null];
    }
    this.#head(chat, typing, session.presence.get(chat.peer?.id));
    const view = this.#scroll;
    const anchor = this.#pinned ? null : [...this.#list.children].find((node) =>
      node.dataset.key !== "more" && node.offsetTop + node.offsetHeight > view.scrollTop);
    const before = anchor?.offsetTop;
    patch(this.#list, this.#items(session, chat, separator));
    if (!this.#placed && chat.opened) this.#place(chat, separator);
    else if (this.#target) this.#jump();
    else if (this.#pinned && !chat.hasNewer) this.toEnd();
    else if (anchor?.isConnected) view.scrollTop += anchor.offsetTop - before;
    const unread = session.unread(chat);
    $("#latest span").textContent = unread || "";
    this.#mention = chat.messages.find(({ seq }) => chat.mentions.has(seq))?.id;
    $("#mention").hidden = !this.#mention;
    this.#scrolled();
  }

  #head(chat, typing, peer) {
    $("#room-title").textContent = title(chat);
    avatar($("#room-avatar"), title(chat), chat.peer?.id ?? chat.id);
    const here = peer?.status === "online" ? " · online"
      : peer?.last_seen_at ? ` · last seen ${lately(peer.last_seen_at)}` : "";
    const hint = chat.type === "group" ? many(chat.size, "member")
      : `@${chat.peer?.username ?? ""}${here}`;
    $("#room-hint").textContent = typing || hint;
    $("#room-avatar").classList.toggle("online", peer?.status === "online");
    $("#room-hint").classList.toggle("typing", Boolean(typing));
    $("#show-members").hidden = chat.type !== "group";
  }

  #items(session, chat, separator) {
    const rows = new Rows(session, chat, this.#act);
    if (chat.hasOlder) rows.items.push({ key: "more", sign: "", make: () => h("li.more") });
    const unread = separator === null ? null : chat.messages.find(({ seq, sender_id }) => (
      seq > separator && sender_id !== session.me.id));
    for (const message of chat.messages) rows.add(message, message === unread);
    for (const entry of chat.hasNewer ? [] : session.outbox.of(chat.id)) rows.wait(entry);
    return rows.items;
  }

  /** After opening: to where reading goes on, for which older messages may have to come first. */
  #place(chat, separator) {
    const { messages, hasOlder } = chat;
    const far = separator !== null && hasOlder && messages[0].seq > separator + 1;
    if (far && messages.length < MOST_UNREAD) {
      this.#act.older();
      return;
    }
    this.#placed = true;
    const mark = $("[data-key=unread]", this.#list);
    if (mark) this.#scroll.scrollTop = mark.offsetTop - this.#scroll.clientHeight / 4;
    else this.toEnd();
  }

  /** Show this message as soon as it is there. */
  jumpTo(id) {
    this.#target = id;
  }

  #jump() {
    const node = $(`[data-id="${CSS.escape(this.#target)}"]`, this.#list);
    if (!node) return;
    [this.#target, this.#pinned] = [null, false];
    node.scrollIntoView({ block: "center" });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), 1600);
  }

  toEnd() {
    [this.#target, this.#pinned] = [null, true];
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #fromEnd() {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight;
  }

  /** Up to which position the reader has seen the chat; all of it at the end. */
  seen() {
    if (!this.#placed) return 0;
    if (this.#fromEnd() < BOTTOM && !this.#chat.hasNewer) return this.#chat.place;
    const end = this.#scroll.scrollTop + this.#scroll.clientHeight;
    const node = [...this.#list.children]
      .findLast((item) => item.dataset.seq && item.offsetTop + 20 < end);
    return Number(node?.dataset.seq ?? 0);
  }

  #scrolled() {
    if (!this.#placed) return;
    const { hasOlder, hasNewer } = this.#chat;
    this.#pinned = this.#fromEnd() < BOTTOM;
    $("#latest").hidden = this.#pinned && !hasNewer;
    if (hasOlder && this.#scroll.scrollTop < NEAR) this.#act.older();
    if (hasNewer && this.#fromEnd() < NEAR) this.#act.newer();
    this.#act.seen();
  }
}
