// Own messages that the server has not taken yet. Pure: its store and the time come in.

const IN_FLIGHT = 20; // sends without an answer
const RETRYABLE = ["not_yet_stored", "rate_limited", "overloaded", "unavailable", "unauthorized"];

/** A UUID version 7 of Unix milliseconds and 8 random bytes; `count` orders within one ms. */
export function uuid7(ms, random, count) {
  const hex = (n, digits) => n.toString(16).padStart(digits, "0");
  const time = hex(ms, 12);
  const rest = [...random].map((byte, i) => hex(i ? byte : 0x80 | (byte & 0x3f), 2)).join("");
  const version = `7${hex(count & 0xfff, 3)}`;
  return [time.slice(0, 8), time.slice(8), version, rest.slice(0, 4), rest.slice(4)].join("-");
}

export class Outbox {
  /** `store`: put(entry), drop(client_id). `entries`: what it kept, in the order of their ids. */
  constructor(store, entries) {
    this.#store = store;
    this.entries = entries.map((entry) => (
      { ...entry, state: entry.error ? "failed" : "new", tries: 1 }));
  }

  #store;
  #window = IN_FLIGHT; // one after a refusal, one more with each ack
  #recovering = false; // after a refusal: nothing new before all answers are in, to keep the order

  /** States: `new`, `sent`, `acked` (until the message comes in its place), `failed`. */
  put(entry) {
    this.entries.push({ ...entry, state: "new", tries: 0 });
    this.#store.put(entry);
  }

  /** Frames to send now, in order. */
  frames(now) {
    let flying = this.entries.filter((entry) => entry.state === "sent").length;
    if (this.#recovering && flying) return [];
    if (!flying) this.#recovering = false;
    const frames = [];
    const held = new Set(); // chats whose next message is not to be sent yet, nor one after it
    for (const entry of this.entries) {
      if (flying >= this.#window) break;
      if (entry.state !== "new") continue;
      if (entry.notBefore > now) held.add(entry.chat_id);
      if (held.has(entry.chat_id)) continue;
      const { client_id, chat_id, content, reply_to, mentions, mention_all, forward } = entry;
      const said = forward ? { forward } : { content, reply_to, mentions, mention_all };
      frames.push({ type: "send", client_id, chat_id, ...said });
      Object.assign(entry, { state: "sent", tries: entry.tries + 1, sentAt: now });
      flying += 1;
    }
    return frames;
  }

  /** When the next one that was refused for now may be sent again; Infinity without one. */
  next(now) {
    const times = this.entries.map(({ state, notBefore }) => (state === "new" ? notBefore : 0));
    return Math.min(...times.filter((time) => time > now));
  }

  /** Since when the longest unanswered send waits; Infinity without one. */
  get waitingSince() {
    return Math.min(...this.entries.filter((e) => e.state === "sent").map((e) => e.sentAt));
  }

  /** Answers whether it may be a second ack, whose message came long ago. */
  acked(clientId) {
    this.#store.drop(clientId);
    this.#window = Math.min(IN_FLIGHT, this.#window + 1);
    const entry = this.#find(clientId);
    if (entry) entry.state = "acked";
    return entry?.tries > 1;
  }

  /** Answers which one it was. */
  refused({ code, message, ref, retry_after }, now) {
    const entry = this.#find(ref);
    if (!entry) return undefined;
    if (RETRYABLE.includes(code)) {
      Object.assign(entry, { state: "new", notBefore: now + 1000 * (retry_after ?? 1) });
      [this.#recovering, this.#window] = [true, 1];
    } else {
      this.#store.put(Object.assign(entry, { state: "failed", error: message }));
    }
    return entry;
  }

  /** Send a refused message once more, at the end. */
  again(clientId) {
    const entry = this.#find(clientId);
    if (!entry) return;
    this.drop(clientId);
    this.put({ ...entry, error: undefined });
  }

  /** A message came in its place: it may be one of these. */
  arrived({ client_id }) {
    if (client_id) this.drop(client_id);
  }

  /** It arrived, or was given up. */
  drop(clientId) {
    this.entries = this.entries.filter((entry) => entry.client_id !== clientId);
    this.#store.drop(clientId);
  }

  lost() {
    for (const entry of this.entries) if (entry.state === "sent") entry.state = "new";
    this.#recovering = false;
  }

  last(chatId) {
    return this.entries.findLast((entry) => entry.chat_id === chatId);
  }

  of(chatId) {
    return this.entries.filter((entry) => entry.chat_id === chatId);
  }

  #find(clientId) {
    return this.entries.find((entry) => entry.client_id === clientId);
  }
}
