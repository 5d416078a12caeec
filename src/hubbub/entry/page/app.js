// The chat page: what the user does, and when what is shown anew.

import { $ } from "./dom.js";
import { dialogs, enterCard, showMembers } from "./forms.js";
import { askToJoin, groupDialogs, showRights } from "./groups.js";
import { showMenu } from "./menu.js";
import { uuid7 } from "./outbox.js";
import { wayOn } from "./providers.js";
import { Sync } from "./sync.js";
import { Api } from "./transport.js";
import { Room, showChats } from "./view.js";

const STATES = { connecting: "Connecting…", lost: "Network error; retrying",
  stopped: "This page no longer fits the server. Reload it." };
const LEFT = "hubbub.left"; // in this tab: with which provider who has just signed out had come
const TYPING_EVERY_MS = 3000;

class Page {
  #api = new Api();
  #sync = null;
  #separator = null; // read up to when the open chat was opened
  #replyTo = null;
  #editing = null;
  #invited = null; // the code of a link into a group that was followed
  #drafts = new Map();
  #typed = 0; // when the others last heard of it
  #count = 0; // of ids made
  #scheduled = false;
  #toastTimer = 0;
  #form = $("#compose");
  #text = $("#compose textarea");
  #room = new Room({
    older: () => this.#sync.history(this.#chat, "older"),
    newer: () => this.#sync.history(this.#chat, "newer"),
    seen: () => this.#seen(),
    jump: (id) => this.#jump(id),
    reply: (message) => this.#reply(message),
    more: (message) => showMenu(this.#session.me.id, this.#chat, message, this.#onMessage),
    again: (id) => this.#changed(this.#session.outbox.again(id)),
    discard: (id) => this.#changed(this.#session.outbox.drop(id)),
  });

  #onMessage = {
    reply: (message) => this.#reply(message),
    edit: (message) => this.#edit(message),
    pin: (message) => this.#amend(message.pinned ? "DELETE" : "PUT", message, "/pin"),
    remove: (message) => this.#amend("DELETE", message, ""),
  };

  start() {
    const link = location.hash.includes("=") ? location.hash.slice(1) : location.search;
    const given = new URLSearchParams(link);
    const codes = { invite: given.get("invite"), setup: given.get("setup") };
    this.#invited = given.get("join");
    const came = { failure: given.get("oidc-failed"), provider: given.get("provider") };
    if (link) history.replaceState(null, "", location.pathname);
    if (given.has("oidc") || came.failure) this.#goOn(wayOn());
    this.#listen();
    if (this.#api.session) this.#enter();
    else if (given.has("signin")) this.#signIn("refresh", { refresh_token: given.get("signin") });
    else if (given.has("oidc")) this.#signIn("oidc/exchange", { code: given.get("oidc") }, came.provider);
    else this.#card({ ...codes, came });
  }

  /** By what works once; not where somebody is signed in, whom it would replace. */
  async #signIn(how, body, provider) {
    try {
      await this.#api.enter(how, body, provider);
      this.#enter();
    } catch (error) {
      this.#card({});
      this.#toast(error.status === 401 ? "This link was used already. Sign in." : error.message);
    }
  }

  #card(told) {
    const after = this.#invited ? `join=${this.#invited}` : location.hash.slice(1);
    const left = sessionStorage.getItem(LEFT);
    sessionStorage.removeItem(LEFT);
    enterCard(this.#api, { ...told, after, left }, () => this.#enter());
  }

  /** To where the address led before somebody went away to sign in. */
  #goOn(after) {
    if (after.startsWith("join=")) this.#invited = after.slice(5);
    else if (after) history.replaceState(null, "", `#${after}`);
  }

  #enter() {
    this.#sync = new Sync(this.#api, {
      changed: () => this.#changed(),
      loaded: () => this.#arrived(),
      state: (name) => this.#state(name),
      say: (text) => this.#toast(text),
      out: () => this.#left(),
    });
    const { me } = this.#session;
    $("#my-name").textContent = `${me.display_name} · @${me.username}`;
    $("#app").hidden = false;
    this.#sync.run();
  }

  /** All chats are known: to the one that the address names, or through a link into one. */
  #arrived() {
    this.#route();
    const code = this.#invited;
    this.#invited = null;
    const look = (given) => this.#api.call("POST", "/invites/look", { code: given });
    if (code) askToJoin(code, look).catch((error) => this.#toast(error.message));
  }

  /** Signed out, here or elsewhere: begin anew, with nothing of the old user in memory. */
  #left() {
    this.#sync.end();
    location.replace("/");
  }

  get #session() {
    return this.#sync?.session;
  }

  get #chat() {
    return this.#session?.chats.get(this.#session.open) ?? null;
  }

  #listen() {
    window.addEventListener("hashchange", () => {
      if (location.hash.startsWith("#join=")) location.reload(); // as if the link had been opened
      else this.#route();
    });
    window.addEventListener("offline", () => this.#sync?.network(false));
    const back = () => this.#changed(this.#sync?.network(true));
    window.addEventListener("online", back);
    window.addEventListener("focus", back);
    document.addEventListener("visibilitychange", back);
    window.addEventListener("storage", () => {
      if (this.#sync && this.#api.session?.user.id !== this.#session.me.id) this.#left();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || $("dialog[open]")) return;
      if (this.#replyTo || this.#editing) this.#reply(null);
      else this.#close();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("input", () => this.#typing());
    $("#back").addEventListener("click", () => this.#close());
    $("#replying button").addEventListener("click", () => this.#reply(null));
    $("#latest").addEventListener("click", () => this.#toNewest());
    $("#sign-out").addEventListener("click", () => this.#signOut());
    groupDialogs({
      chat: () => this.#chat,
      set: (fields) => this.#change("PATCH", "", fields),
      link: async () => (await this.#change("POST", "/invites", {})).url,
      follow: (code) => this.#join("/invites/join", { code }),
      find: (query) => this.#api.get(`/chats/public?${query}`),
      join: (id) => this.#join(`/chats/${id}/join`)
        .then(() => $("#find-dialog").close(), (error) => this.#toast(error.message)),
    });
    dialogs({
      startChat: (names) => this.#startChat(names),
      startGroup: (title, names) => this.#startGroup(title, names),
      invite: () => this.#invite(),
      addMembers: async (names) =>
        this.#change("POST", "/members", { member_ids: await this.#people(names) }),
      loadMembers: () => this.#changed(this.#session.wants.members.add(this.#session.open)),
      moreMembers: () => this.#sync.moreMembers(this.#chat),
      leave: () => confirm("Leave this group?") && this.#remove(this.#session.me.id),
    });
  }

  // ── chats ────────────────────────────────────────────────────────────────────────────────

  /** Opens the chat that the address names. */
  #route() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!this.#sync?.loaded || id === (this.#session.open ?? "")) return;
    if (!this.#chat && !this.#session.chats.has(id)) return; // it may be on its way
    this.#drafts.set(this.#session.open, this.#text.value);
    this.#session.show(id);
    const chat = this.#chat;
    this.#separator = chat && this.#session.unread(chat) ? chat.read : null;
    this.#reply(null);
    this.#text.value = this.#drafts.get(chat?.id) ?? "";
    this.#typed = 0;
    this.#sync.focus();
    this.#changed();
    if (chat && matchMedia("(hover: hover)").matches) setTimeout(() => this.#text.focus(), 50);
  }

  #close() {
    if (!location.hash) return;
    history.pushState(null, "", location.pathname);
    this.#route();
  }

  /** Read is what is on the screen of somebody who looks at it. */
  #seen() {
    const chat = this.#chat;
    if (!chat || !document.hasFocus() || document.visibilityState !== "visible") return;
    const before = chat.read;
    this.#session.markRead(chat, Math.min(chat.place, this.#room.seen()));
    if (chat.read !== before) this.#changed();
  }

  async #people(names) {
    return Promise.all(names.map(async (name) => {
      const { users } = await this.#api.get(`/users?username=${encodeURIComponent(name)}`);
      if (!users.length) throw new Error(`There is nobody with the user name ${name}.`);
      return users[0].id;
    }));
  }

  async #startChat(names) {
    if (names.length !== 1) throw new Error("One user name, please. For more people make a group.");
    const member_ids = await this.#people(names);
    if (member_ids[0] === this.#session.me.id) throw new Error("That is you.");
    await this.#create({ chat_type: "direct", member_ids });
  }

  async #startGroup(title, names) {
    await this.#create({ chat_type: "group", title, member_ids: await this.#people(names) });
  }

  async #create(body) {
    const chat = this.#session.chat(await this.#api.call("POST", "/chats", body));
    location.hash = chat.id;
  }

  async #join(path, body) {
    location.hash = this.#session.chat(await this.#api.call("POST", path, body)).id;
  }

  async #invite() {
    const { url } = await this.#api.call("POST", "/invites");
    return new URL(url, location.href).href;
  }

  #change(method, path, body) {
    return this.#api.call(method, `/chats/${this.#session.open}${path}`, body);
  }

  #remove(id) {
    this.#change("DELETE", `/members/${id}`).catch((error) => this.#toast(error.message));
  }

  #onMembers = {
    remove: (id) => this.#remove(id),
    role: (id, role) => this.#change("PATCH", `/members/${id}`, { role }).catch((error) => {
      this.#toast(error.message);
      this.#session.wants.members.add(this.#session.open);
    }),
  };

  async #signOut() {
    const unsent = this.#session.outbox.entries.length;
    if (unsent && !confirm("Some messages are not sent yet. Signing out loses them.")) return;
    this.#sync.end();
    sessionStorage.setItem(LEFT, this.#api.provider);
    await this.#api.leave();
    this.#left();
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────

  #send() {
    const content = this.#text.value.trim();
    const chat = this.#chat;
    if (!content || !chat) return;
    if (new TextEncoder().encode(content).length > this.#sync.contentBytes) {
      this.#toast("This message is too long. Send it in parts.");
      return;
    }
    if (this.#editing) {
      this.#amend("PATCH", this.#editing, "", { content });
      return void this.#reply(null);
    }
    const now = Date.now();
    const client_id = uuid7(now, crypto.getRandomValues(new Uint8Array(8)), this.#count++);
    this.#session.outbox.put({ client_id, chat_id: chat.id, content, reply_to: this.#replyTo?.id,
      at: new Date(now).toISOString() });
    this.#text.value = "";
    this.#separator = null;
    this.#typing();
    this.#reply(null);
    this.#toNewest();
    this.#changed();
  }

  #toNewest() {
    if (this.#chat.hasNewer) this.#sync.history(this.#chat, "newest");
    this.#room.toEnd();
  }

  #amend(method, { id }, path, body) {
    this.#api.call(method, `/messages/${id}${path}`, body)
      .catch((error) => this.#toast(error.message));
  }

  #edit(message) {
    this.#reply(message);
    [this.#replyTo, this.#editing] = [null, message];
    $("#replying b").textContent = "Edit";
    this.#text.value = message.content ?? "";
  }

  #reply(message) {
    if (this.#editing) this.#text.value = "";
    [this.#replyTo, this.#editing] = [message, null];
    $("#replying").hidden = !message;
    if (!message) return;
    $("#replying b").textContent = this.#session.user(message.sender_id)?.display_name ?? "";
    $("#replying span").textContent = message.content ?? "";
    this.#text.focus();
  }

  #jump(id) {
    this.#room.jumpTo(id);
    const loaded = this.#chat.messages.some((message) => message.id === id);
    if (!loaded) this.#sync.history(this.#chat, "around", id);
    this.#changed();
  }

  #typing() {
    const is_typing = this.#text.value.trim() !== "";
    this.#changed();
    if (is_typing ? Date.now() - this.#typed < TYPING_EVERY_MS : !this.#typed) return;
    this.#typed = is_typing ? Date.now() : 0;
    this.#sync.send({ type: "typing", chat_id: this.#session.open, is_typing });
  }

  // ── what is shown ────────────────────────────────────────────────────────────────────────

  #state(name) {
    $("#state").hidden = name === "online";
    $("#state").dataset.state = name;
    $("#state").textContent = STATES[name] ?? "";
    this.#changed();
  }

  #toast(text) {
    $("#toast").textContent = text;
    $("#toast").hidden = false;
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => { $("#toast").hidden = true; }, 6000);
  }

  #typers(chat) {
    const ids = this.#session.typers(chat.id, Date.now());
    const names = ids.map((id) => this.#session.user(id)?.display_name ?? "Somebody");
    if (!names.length) return "";
    if (chat.type === "direct") return "typing…";
    return `${names.slice(0, 3).join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  }

  /** Shows and sends soon, many changes at once; a hidden page's timers are slow, its ports not. */
  #changed() {
    if (this.#scheduled || !this.#sync) return;
    this.#scheduled = true;
    if (document.hidden && this.#session.live) this.#port.postMessage(0);
    else setTimeout(() => this.#render(), 20);
  }

  #port = this.#newPort();

  #newPort() {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => this.#render();
    return port2;
  }

  #render() {
    this.#scheduled = false;
    const session = this.#session;
    if (!session.open && location.hash) this.#route();
    const chat = this.#chat;
    $("#app").classList.toggle("opened", Boolean(chat));
    $("#room").hidden = !chat;
    $("#nothing").hidden = Boolean(chat);
    showChats(session, (c) => this.#typers(c), session.open);
    if (chat) {
      if (!chat.opened) this.#sync.history(chat, "newest");
      this.#room.show(session, chat, { separator: this.#separator, typing: this.#typers(chat) });
      this.#text.style.height = "auto";
      this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
    }
    showRights(chat);
    showMembers(session, chat, this.#onMembers);
    this.#sync.step();
  }
}

new Page().start();
