// The chat page: what the user does, and when what is shown anew.

import { accountDialog } from "./account.js";
import { Aside } from "./aside.js";
import { Begin } from "./begin.js";
import { chatMenu, messageMenu } from "./menu.js";
import { Composer } from "./composer.js";
import { nameable } from "./completion.js";
import { $ } from "./dom.js";
import { dialogs, enterCard, showMembers } from "./forms.js";
import { ForwardDialog } from "./forward.js";
import { askToJoin, groupDialogs } from "./groups.js";
import { showPins, showReactors, showVersions } from "./lines.js";
import { showChats } from "./list.js";
import { named, namedAnew } from "./mentions.js";
import { uuid7 } from "./outbox.js";
import { wayOn } from "./providers.js";
import { toggle } from "./reactions.js";
import { showRights } from "./rights.js";
import { Room } from "./room.js";
import { Sync } from "./sync.js";
import { Api } from "./transport.js";
import { name, typers } from "./words.js";

const STATES = { connecting: "Connecting…", lost: "Network error; retrying",
  stopped: "This page no longer fits the server. Reload it." };
const LEFT = "hubbub.left"; // in this tab: with which provider who has just signed out had come

class Page {
  #api = new Api();
  #sync = null;
  #begin = new Begin(this.#api, () => this.#session);
  #separator = null; // read up to when the open chat was opened
  #invited = null; // the code of a link into a group that was followed
  #count = 0; // of ids made
  #scheduled = false;
  #toastTimer = 0;
  #onMessage = {
    jump: (id) => this.#jump(id),
    more: (message) => messageMenu(this.#session.me.id, this.#chat, message, this.#onMessage),
    again: (id) => this.#changed(this.#session.outbox.again(id)),
    discard: (id) => this.#changed(this.#session.outbox.drop(id)),
    thread: ({ id, thread_id }) => this.#openThread(thread_id ?? id),
    forward: (message) => this.#forwarding.open(message),
    react: (message, emoji) => this.#try(toggle(this.#api, this.#session.me.id, message, emoji)),
    reactors: (message) => this.#try(showReactors(this.#api, this.#session, message)),
    versions: (message) => this.#try(showVersions(this.#api, message)),
    pin: (message) => this.#amend(message.pinned ? "DELETE" : "PUT", message, "/pin"),
    remove: (message) => this.#amend("DELETE", message, ""),
    hide: (message) => this.#amend("DELETE", message, "?for=me"),
    reply: (message) => this.#composer.reply(message),
    edit: (message) => this.#composer.edit(message),
  };
  #inThread = { ...this.#onMessage,
    thread: null,
    jump: (id) => {
      this.#closeThread();
      this.#jump(id);
    },
    more: (message) => messageMenu(this.#session.me.id, this.#chat, message, this.#inThread),
    reply: (message) => this.#threadComposer.reply(message),
    edit: (message) => this.#threadComposer.edit(message),
    olderReplies: () => this.#sync.replies(this.#session.thread),
  };
  #writing = {
    typing: (is_typing) =>
      this.#sync.send({ type: "typing", chat_id: this.#session.open, is_typing }),
    people: () => this.#nameable(),
    name: (id) => name(this.#session, id),
    changed: () => this.#changed(),
  };
  #room = new Room({ ...this.#onMessage,
    older: () => this.#sync.history(this.#chat, "older"),
    newer: () => this.#sync.history(this.#chat, "newer"),
    seen: () => this.#seen(),
  });
  #aside = new Aside(this.#inThread);
  #composer = new Composer($("#compose"), { ...this.#writing,
    send: (text, about) => this.#send(text, about) && this.#toNewest() });
  #threadComposer = new Composer($("#thread-compose"), { ...this.#writing,
    send: (text, { replyTo, editing }) => {
      const { id, root } = this.#session.thread;
      this.#aside.toEnd();
      return this.#send(text, { editing, replyTo: replyTo ?? root ?? { id } });
    } });
  #forwarding = new ForwardDialog(() => this.#session, (chat, message) => this.#forward(chat, message));

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
      state: (is) => this.#state(is),
      say: (text) => this.#toast(text),
      out: () => this.#left(),
    });
    $("#app").hidden = false;
    this.#sync.run();
  }

  /** All chats are known: to the one that the address names, or through a link into one. */
  #arrived() {
    this.#route();
    const code = this.#invited;
    if (code) this.#try(askToJoin(code, (given) => this.#begin.look(given)));
    this.#invited = null;
  }

  /** Signed out, here or elsewhere: begin anew, with nothing of the old user in memory. */
  #left() {
    this.#sync.end();
    location.replace("/");
  }

  get #session() { return this.#sync?.session; }

  get #chat() { return this.#session?.chats.get(this.#session.open) ?? null; }

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
      if (this.#session?.thread) this.#threadComposer.cancel() || this.#closeThread();
      else if (!this.#composer.cancel()) this.#close();
    });
    $("#back").addEventListener("click", () => this.#close());
    $("#close-thread").addEventListener("click", () => this.#closeThread());
    $("#latest").addEventListener("click", () => this.#toNewest());
    $("#chat-menu").addEventListener("click", () =>
      chatMenu(this.#session, this.#chat, this.#onChat));
    $("#unblock").addEventListener("click", () => this.#onChat.block(this.#chat.peer.id, false));
    $("#write-again").addEventListener("click", () => this.#changed(this.#chat.closed = false));
    accountDialog(this.#api, () => this.#signOut());
    groupDialogs({
      chat: () => this.#chat,
      set: (fields) => this.#change("PATCH", "", fields),
      link: async () => (await this.#change("POST", "/invites", {})).url,
      follow: (code) => this.#begin.follow(code),
      find: (query) => this.#api.get(`/chats/public?${query}`),
      join: (id) => this.#try(this.#begin.join(id).then(() => $("#find-dialog").close())),
    });
    dialogs({
      startChat: (names) => this.#begin.chat(names),
      startGroup: (title, names) => this.#begin.group(title, names),
      invite: () => this.#begin.invite(),
      addMembers: async (names) =>
        this.#change("POST", "/members", { member_ids: await this.#begin.people(names) }),
      loadMembers: () => this.#changed(this.#session.wants.members.add(this.#session.open)),
      moreMembers: () => this.#sync.moreMembers(this.#chat),
      leave: () => confirm("Leave this group?") && this.#onMembers.remove(this.#session.me.id),
    });
  }

  // ── chats ────────────────────────────────────────────────────────────────────────────────

  /** Opens the chat that the address names, and the thread in it: `#chat`, `#chat/message`. */
  #route() {
    const [id, root] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (!this.#sync?.loaded) return;
    if (id !== (this.#session.open ?? "")) this.#show(id);
    if (id !== (this.#session.open ?? "") || root === this.#session.thread?.id) return;
    this.#session.showThread(root);
    this.#threadComposer.open(root);
    if (root && matchMedia("(hover: hover)").matches) setTimeout(() => this.#threadComposer.focus(), 50);
    this.#changed();
  }

  #show(id) {
    if (!this.#chat && !this.#session.chats.has(id)) return; // it may be on its way
    this.#session.show(id);
    const chat = this.#chat;
    this.#separator = chat && this.#session.unread(chat) ? chat.read : null;
    this.#composer.open(chat?.id);
    this.#nameable(); // whoever is named without being completed is to be known, too
    this.#sync.focus();
    this.#changed();
    if (chat && matchMedia("(hover: hover)").matches) setTimeout(() => this.#composer.focus(), 50);
  }

  #close() {
    if (!location.hash) return;
    history.pushState(null, "", location.pathname);
    this.#route();
  }

  #openThread(id) {
    location.hash = `${this.#session.open}/${id}`;
  }

  #closeThread() {
    location.hash = this.#session.open;
    this.#composer.focus();
  }

  /** Read is what is on the screen of somebody who looks at it. */
  #seen() {
    const chat = this.#chat;
    if (!chat || !document.hasFocus() || document.visibilityState !== "visible") return;
    const before = chat.read;
    this.#session.markRead(chat, Math.min(chat.place, this.#room.seen()));
    if (chat.read !== before) this.#changed();
  }

  #change(method, path, body) {
    return this.#api.call(method, `/chats/${this.#session.open}${path}`, body);
  }

  #try(work) {
    work.catch((error) => this.#toast(error.message));
  }

  #onChat = {
    pins: () => this.#try(showPins(this.#api, this.#session, this.#chat, (id) => this.#jump(id))),
    mute: (until) => this.#try(this.#change("PUT", "/mute", { until })),
    block: (id, whether) => this.#try(this.#api.call(whether ? "PUT" : "DELETE", `/users/${id}/block`)),
  };

  #onMembers = {
    remove: (id) => this.#try(this.#change("DELETE", `/members/${id}`)),
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

  /** Whom one may name where one writes; all members, if they are not too many. */
  #nameable() {
    const chat = this.#chat;
    if (chat?.type !== "group") return [];
    if (!chat.members) this.#changed(this.#session.wants.members.add(chat.id));
    return nameable(this.#session, chat);
  }

  /** Sends or changes a message of the open chat; whether there was one. */
  #send(content, { replyTo, editing }) {
    const chat = this.#chat;
    if (!chat) return false;
    if (new TextEncoder().encode(content).length > this.#sync.contentBytes) {
      this.#toast("This message is too long. Send it in parts.");
      return false;
    }
    const users = chat.type === "group" ? [...this.#session.users.values()] : [];
    if (editing) this.#amend("PATCH", editing, "", { content, ...namedAnew(editing, content, users) });
    else {
      this.#put(chat, { content, ...named(content, users), reply_to: replyTo?.id,
        thread_id: replyTo && (replyTo.thread_id ?? replyTo.id) });
      this.#separator = null;
    }
    return true;
  }

  #put(chat, message) {
    const now = Date.now();
    const client_id = uuid7(now, crypto.getRandomValues(new Uint8Array(8)), this.#count++);
    this.#session.outbox.put({ client_id, chat_id: chat.id, ...message,
      at: new Date(now).toISOString() });
    this.#changed();
  }

  #forward(chat, { id, content, message_type, sender_id, forwarded_from: from }) {
    this.#put(chat, { forward: id, content, message_type, from: from ?? sender_id });
    location.hash = chat.id;
    this.#room.toEnd();
  }

  #toNewest() {
    if (this.#chat.hasNewer) this.#sync.history(this.#chat, "newest");
    this.#room.toEnd();
    return true;
  }

  #amend(method, { id }, path, body) {
    this.#try(this.#api.call(method, `/messages/${id}${path}`, body));
  }

  #jump(id) {
    this.#room.jumpTo(id);
    const loaded = this.#chat.messages.some((message) => message.id === id);
    if (!loaded) this.#sync.history(this.#chat, "around", id);
    this.#changed();
  }

  // ── what is shown ────────────────────────────────────────────────────────────────────────

  #state(is) {
    $("#state").hidden = is === "online";
    $("#state").dataset.state = is;
    $("#state").textContent = STATES[is] ?? "";
    this.#changed();
  }

  #toast(text) {
    $("#toast").textContent = text;
    $("#toast").hidden = false;
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => { $("#toast").hidden = true; }, 6000);
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
    const typing = (one) => typers(session, one, Date.now());
    $("#app").classList.toggle("opened", Boolean(chat));
    $("#room").hidden = !chat;
    $("#nothing").hidden = Boolean(chat);
    showChats(session, typing);
    showRights(session, chat);
    if (chat) {
      if (!chat.opened) this.#sync.history(chat, "newest");
      this.#room.show(session, chat, { separator: this.#separator, typing: typing(chat) });
      this.#composer.fit();
    }
    if (session.thread && !session.thread.opened) this.#sync.replies(session.thread);
    this.#aside.show(session, chat, session.thread);
    if (session.thread) this.#threadComposer.fit();
    showMembers(session, chat, this.#onMembers);
    this.#sync.step();
  }
}

new Page().start();
