// Keeps the state and the server in step: loads, resumes, repairs holes, fetches what is wanted.

import { Outbox } from "./outbox.js";
import { Session } from "./session.js";
import { Connection } from "./transport.js";

const PAGE = 50; // messages
const EVENTS = 200;
const MEMBERS = 200;
const LARGE = 256; // members; above, they are read only as far as somebody looks
const QUIET_MS = 2000; // after a failure
const LONG = 5; // seconds that a message waits to be sent again, of which its sender is told

export class Sync {
  /** `on`: changed(), loaded(), state(name), say(text), out(). */
  constructor(api, on) {
    const { user } = api.session;
    const store = new Store(user.id);
    this.#api = api;
    this.#on = on;
    this.#store = store;
    this.session = new Session(user, store.place, new Outbox(store, store.entries));
    this.#connection = new Connection(api, {
      prepare: () => this.#load(),
      welcome: (frame) => this.#welcome(frame),
      frame: (frame) => this.#frame(frame),
      lost: () => on.changed(this.session.lost()),
      state: on.state,
      waitingSince: () => this.session.outbox.waitingSince,
      out: on.out,
    });
  }

  #api;
  #on;
  #store;
  #connection;
  #busy = new Set(); // what is being fetched
  #quietUntil = 0;
  #resend = 0; // timer
  loaded = false; // all chats are known
  contentBytes = Infinity; // of one message

  run() {
    return this.#connection.run();
  }

  end() {
    this.#connection.end();
  }

  /** The network is gone, or there may be one again. */
  network(there) {
    if (there) this.#connection.kick();
    else this.#connection.drop();
  }

  send(frame) {
    this.#connection.send(frame);
  }

  /** All chats, once; from then on the socket tells what changes. */
  async #load() {
    if (this.loaded) return;
    this.session.me = await this.#api.get("/me");
    for await (const { chats } of this.#pages("/chats?limit=100")) {
      for (const chat of chats) this.session.chat(chat);
    }
    for await (const { users } of this.#pages("/blocks?limit=100")) {
      for (const { id } of users) this.session.blocked.add(id);
    }
    this.loaded = true;
    this.#on.loaded();
  }

  async* #pages(path) {
    for (let from = ""; from !== null;) {
      const page = await this.#api.get(path + from);
      yield page;
      from = page.has_more ? `&cursor=${encodeURIComponent(page.cursor)}` : null;
    }
  }

  #welcome({ limits }) {
    this.contentBytes = limits.content_bytes;
    for (const frame of this.session.resume()) this.send(frame);
    this.focus();
  }

  /** Which chat is on the screen. */
  focus() {
    this.send({ type: "focus", chat_ids: this.session.open ? [this.session.open] : [] });
  }

  #frame(frame) {
    this.session.frame(frame, Date.now());
    if (frame.type === "error" && (!frame.ref || frame.retry_after > LONG)) {
      this.#on.say(frame.message);
    }
    if (frame.type === "typing") setTimeout(() => this.#on.changed(), 6100);
    if (frame.type === "caught_up") this.#store.place = this.session.mePlace;
    this.#on.changed(frame);
  }

  /** Tell the server what there is to tell, ask for what the state lacks. */
  step() {
    const now = Date.now();
    for (const frame of this.session.outgoing(now)) this.send(frame);
    clearTimeout(this.#resend);
    const pause = this.session.outbox.next(now) - now;
    if (pause < Infinity) this.#resend = setTimeout(() => this.#on.changed(), pause + 1);
    const { wants } = this.session;
    for (const kind of ["repair", "chats", "users", "messages", "members"]) {
      for (const id of wants[kind]) {
        const again = () => wants[kind].add(id);
        if (this.#once(`${kind} ${id}`, () => this.#fetch(kind, id), again)) wants[kind].delete(id);
      }
    }
    if (wants.reload) {
      wants.reload = this.loaded = false;
      this.#once("load", () => this.#load(), () => { wants.reload = true; });
    }
  }

  async #fetch(kind, id) {
    const { session } = this;
    switch (kind) {
      case "repair": return this.#repair(id);
      case "chats": return session.chat(await this.#api.get(`/chats/${id}`));
      case "users": {
        const user = await this.#known(`/users/${id}`);
        return session.users.set(id, user ?? { id, display_name: "Somebody" });
      }
      case "messages": return session.message(id, await this.#known(`/messages/${id}`));
      default: return session.chats.has(id) && this.#members(session.chats.get(id), null);
    }
  }

  /** Starts `work` unless it is under way or the server cannot be asked; `failed`: for now. */
  #once(key, work, failed = () => undefined) {
    if (!this.session.live || this.#busy.has(key) || Date.now() < this.#quietUntil) return false;
    this.#busy.add(key);
    work().catch((error) => {
      if (error.status === undefined) throw error;
      if (error.temporary) {
        this.#quietUntil = Date.now() + QUIET_MS;
        setTimeout(() => this.#on.changed(), QUIET_MS + 1);
        failed();
      } else if (error.status !== 404) this.#on.say(error.message);
    }).finally(() => {
      this.#busy.delete(key);
      this.#on.changed();
    });
    return true;
  }

  /** What REST has there, or null. */
  async #known(path) {
    try {
      return await this.#api.get(path);
    } catch (error) {
      if (error.status !== 404) throw error;
      return null;
    }
  }

  async #repair(log) {
    const path = log === "me" ? "/me/events" : `/chats/${log}/events`;
    for (let more = true; more;) {
      const place = this.session.place(log);
      if (place === undefined) return;
      const page = await this.#api.get(`${path}?limit=${EVENTS}&after=${place}`);
      more = this.session.repaired(log, page);
      if (more && this.session.place(log) === place) {
        this.#connection.drop(); // the store knows less than was told: resume from the place
        return;
      }
    }
  }

  async #members(chat, cursor) {
    do {
      const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const page = await this.#api.get(`/chats/${chat.id}/members?limit=${MEMBERS}${from}`);
      this.session.membersPage(chat, page, cursor);
      cursor = chat.cursor;
    } while (cursor && chat.size <= LARGE);
  }

  moreMembers(chat) {
    this.#once(`members ${chat.id}`, () => this.#members(chat, chat.cursor));
  }

  /** A page of the chat's history, `newest`, `older`, `newer` or `around` a message. */
  history(chat, where, id) {
    const { messages } = chat;
    const from = { newest: "", older: `&before_id=${messages[0]?.id}`,
      newer: `&after_id=${messages.at(-1)?.id}`, around: `&around_id=${id}` }[where];
    this.#once(`history ${chat.id}`, async () => {
      const page = await this.#api.get(`/chats/${chat.id}/messages?limit=${PAGE}${from}`);
      if (this.session.open === chat.id) this.session.history(chat, page, where);
    });
  }

  /** The newest replies of a thread, or those before what is loaded. */
  replies(thread) {
    if (thread.isFull) return;
    const from = thread.cursor ? `&cursor=${encodeURIComponent(thread.cursor)}` : "";
    this.#once(`thread ${thread.id}`, async () => {
      const path = `/messages/${thread.id}/thread?order=newest&limit=${PAGE}${from}`;
      thread.page(await this.#api.get(path));
    });
  }
}

/** What outlives the page: the outbox, one entry a key so that tabs do not disturb each other,
 *  and a place in the own log, at or before which the list of chats is complete. */
class Store {
  constructor(userId) {
    this.#place = `hubbub.me.${userId}`;
    this.#prefix = `hubbub.out.${userId}.`;
  }

  #place;
  #prefix;

  get place() {
    return Number(localStorage.getItem(this.#place) ?? 0);
  }

  set place(position) {
    localStorage.setItem(this.#place, position);
  }

  get entries() {
    return Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix)).sort()
      .map((key) => JSON.parse(localStorage.getItem(key)));
  }

  put(entry) {
    localStorage.setItem(this.#prefix + entry.client_id, JSON.stringify(entry));
  }

  drop(clientId) {
    localStorage.removeItem(this.#prefix + clientId);
  }
}
