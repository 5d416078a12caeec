// The thread beside the chat. Reads the session, changes nothing in it.

import { Rows } from "./bubble.js";
import { $, h, patch } from "./dom.js";
import { many, title } from "./words.js";

const BOTTOM = 60; // pixels from the end that still count as the end
const NEAR = 200; // pixels from the start where more is loaded

export class Aside {
  /** `act`: olderReplies(), and those of `Rows`. */
  constructor(act) {
    this.#act = act;
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
  }

  #act;
  #scroll = $("#thread-scroll");
  #thread = null;
  #pinned = true; // the end stays in view

  /** `thread`: what is open, or null. */
  show(session, chat, thread) {
    $("#thread").hidden = !thread;
    $("#app").classList.toggle("threaded", Boolean(thread));
    if (!thread) return;
    if (thread !== this.#thread) [this.#thread, this.#pinned] = [thread, true];
    $("#thread-hint").textContent = title(chat);
    const view = this.#scroll;
    const [before, height] = [view.scrollTop, view.scrollHeight];
    patch($("#thread-messages"), this.#items(session, chat, thread));
    if (this.#pinned) this.toEnd();
    else if (before < NEAR) view.scrollTop = before + view.scrollHeight - height;
    this.#scrolled();
  }

  #items(session, chat, thread) {
    const rows = new Rows(session, chat, this.#act, thread.id);
    if (thread.root) rows.add(thread.root);
    else if (thread.opened) rows.note("gone", "day", "The first message is not yours to see");
    const { messages, opened, cursor } = thread;
    const count = cursor ? `${messages.length}+ replies` : many(messages.length, "reply", "replies");
    if (opened) rows.note("count", "unread", messages.length ? count : "No replies yet");
    if (!opened || cursor) rows.items.push({ key: "more", sign: "", make: () => h("li.more") });
    for (const message of messages) rows.add(message);
    for (const entry of session.outbox.of(chat.id)) {
      if (entry.thread_id === thread.id) rows.wait(entry);
    }
    return rows.items;
  }

  toEnd() {
    this.#pinned = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    this.#pinned = scrollHeight - scrollTop - clientHeight < BOTTOM;
    if (this.#thread?.cursor && scrollTop < NEAR) this.#act.olderReplies();
  }
}
