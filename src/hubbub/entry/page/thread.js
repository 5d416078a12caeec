// A thread that is open: the message that began it, and its replies. Pure.

import { insert, renewed } from "./fold.js";

const MAX_REPLIES = 500; // in memory

export class Thread {
  constructor(chat, id) {
    this.chat = chat; // its id
    this.id = id; // of the message that began it
  }

  root = null; // that message, null too where it may not be seen
  messages = [];
  cursor = null; // where the replies before these are
  opened = false; // a page is there, and what comes is told

  /** A page: the newest replies, or those before what is loaded. */
  page({ root, messages, has_more, cursor }) {
    this.root = root;
    for (const message of messages) insert(this.messages, message);
    Object.assign(this, { opened: true, cursor: has_more ? cursor : null });
  }

  /** A message of the chat came, or is another one now. */
  take(message) {
    if (message.id === this.root?.id) this.root = renewed(this.root, message);
    if (!this.opened || message.thread_id !== this.id) return;
    if (message.seq > (this.messages[0]?.seq ?? 0) || !this.cursor) insert(this.messages, message);
  }

  /** The user has deleted a message for himself. */
  hide(id) {
    if (this.root?.id === id) this.root = null;
    this.messages = this.messages.filter((message) => message.id !== id);
  }

  /** There may be replies that did not come. */
  forget() {
    Object.assign(this, { messages: [], cursor: null, opened: false });
  }

  get isFull() {
    return this.messages.length >= MAX_REPLIES;
  }
}
