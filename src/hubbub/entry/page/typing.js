// Who types where; it expires by itself. Pure.

const TYPING_MS = 6000;

export class Typing {
  #until = new Map(); // chat → user → milliseconds

  heard({ chat_id, user_id, is_typing }, now) {
    if (!this.#until.has(chat_id)) this.#until.set(chat_id, new Map());
    this.#until.get(chat_id).set(user_id, is_typing === false ? 0 : now + TYPING_MS);
  }

  /** What this user typed was sent. */
  ended(chat, user) {
    this.#until.get(chat)?.delete(user);
  }

  clear() {
    this.#until.clear();
  }

  /** The users who type in a chat. */
  in(chat, now) {
    return [...this.#until.get(chat) ?? []].filter(([, until]) => until > now)
      .map(([user]) => user);
  }
}
