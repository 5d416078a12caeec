// Completes names after an @ while somebody writes.

import { $, avatar, h, patch } from "./dom.js";
import { ALL } from "./mentions.js";

const BEGUN = /(?<![\w@])@([A-Za-z0-9._-]*)$/; // before the caret
const SHOWN = 6;

/** Whom one may name in this group, who spoke last first; everybody where that is not too many. */
export function nameable(session, chat) {
  const spoke = chat.messages.toReversed().map((message) => session.users.get(message.sender_id));
  const members = (chat.members ?? []).map(({ user }) => user);
  const people = [...new Map([...spoke, ...members].filter((user) => user?.username)
    .map((user) => [user.id, user])).values()];
  const everybody = { id: ALL, username: ALL, display_name: "Everybody" };
  return [...people.filter(({ id }) => id !== session.me.id), everybody];
}

/** The users of whom a name begins with what was typed. */
function fitting(people, typed) {
  const start = typed.toLowerCase();
  return people.filter(({ username, display_name }) => [username, ...display_name.split(/\s+/)]
    .some((word) => word.toLowerCase().startsWith(start))).slice(0, SHOWN);
}

export class Completion {
  /** `list`: where the names are shown; `people()`: whom one may name, by preference. */
  constructor(text, list, people) {
    Object.assign(this, { text, list, people });
    text.setAttribute("aria-autocomplete", "list");
    text.setAttribute("aria-controls", list.id);
    text.addEventListener("keydown", (event) => this.#key(event));
    text.addEventListener("input", () => this.show());
    text.addEventListener("click", () => this.show());
    text.addEventListener("blur", () => this.#hide());
  }

  #found = [];
  #at = 0;
  #given = null; // the name that is not to be completed

  get isOpen() {
    return !this.list.hidden;
  }

  /** What fits to the name at the caret, if there is one. */
  show() {
    const { text } = this;
    const typed = text.selectionStart === text.selectionEnd
      && text.value.slice(0, text.selectionStart).match(BEGUN)?.[1];
    if (typeof typed !== "string" || typed === this.#given) return void this.#hide();
    this.#given = null;
    const found = fitting(this.people(), typed);
    if (found.map(({ id }) => id).join() !== this.#found.map(({ id }) => id).join()) this.#at = 0;
    this.#found = found;
    this.#render();
  }

  #hide() {
    this.#found = [];
    this.#render();
  }

  #key(event) {
    if (!this.isOpen || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#move(step);
    else if (event.key === "Escape") {
      this.#given = this.text.value.slice(0, this.text.selectionStart).match(BEGUN)?.[1];
      this.#hide();
    } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
      this.#choose(this.#found[this.#at]);
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #move(step) {
    this.#at = (this.#at + step + this.#found.length) % this.#found.length;
    this.#render();
  }

  #choose({ username }) {
    const { text } = this;
    const end = text.selectionStart;
    const start = end - text.value.slice(0, end).match(BEGUN)[1].length;
    const space = /^\s/.test(text.value.slice(end)) ? "" : " ";
    text.setRangeText(username + space, start, end, "end");
    this.#hide();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #render() {
    const { text, list } = this;
    list.hidden = !this.#found.length;
    patch(list, this.#found.map((user, i) => this.#option(user, i === this.#at)));
    if (list.hidden) text.removeAttribute("aria-activedescendant");
    else text.setAttribute("aria-activedescendant", list.children[this.#at].id);
  }

  #option(user, chosen) {
    const { username, display_name: name, id } = user;
    const make = () => h("li", { id: `${this.list.id}-${id}`, role: "option",
      "aria-selected": String(chosen),
      onpointerdown: (event) => event.preventDefault(), // the text keeps the focus
      onclick: () => this.#choose(user) },
      avatar(h("span.avatar", { "aria-hidden": "true" }), id === ALL ? "@" : name, id),
      h("span.name", {}, name), h("small", {}, `@${username}`));
    return { key: id, sign: [name, username, chosen], make };
  }
}
