// Where a message is written: its text, what it answers or changes, whom it names.

import { $ } from "./dom.js";
import { Completion } from "./completion.js";

const TYPING_EVERY_MS = 3000;

export class Composer {
  /**
   * `on`: send(text, {replyTo, editing}), which answers whether it took it; typing(whether),
   * people() whom one may name, name(id), changed().
   */
  constructor(form, on) {
    this.#form = form;
    this.#on = on;
    this.#text = $("textarea", form);
    this.#completion = new Completion(this.#text, $("[role=listbox]", form), on.people);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("input", () => this.#typing());
    $(".replying button", form).addEventListener("click", () => this.reply(null));
  }

  #form;
  #on;
  #text;
  #completion;
  #replyTo = null;
  #editing = null;
  #drafts = new Map(); // by where one wrote
  #where = null;
  #typed = 0; // when the others last heard of it

  /** Write there from now on; what was begun elsewhere is kept. */
  open(where) {
    if (!this.#editing) this.#drafts.set(this.#where, this.#text.value);
    this.#where = where;
    this.reply(null);
    this.#text.value = this.#drafts.get(where) ?? "";
    this.#typed = 0;
    this.fit();
  }

  focus() {
    this.#text.focus();
  }

  reply(message) {
    if (this.#editing) this.#text.value = "";
    this.#answer(message, message && this.#on.name(message.sender_id));
    [this.#replyTo, this.#editing] = [message, null];
  }

  edit(message) {
    this.#answer(message, "Edit");
    [this.#replyTo, this.#editing] = [null, message];
    this.#text.value = message.content ?? "";
    this.fit();
  }

  /** Neither answer nor change a message any more; whether there was one. */
  cancel() {
    const was = this.#replyTo ?? this.#editing;
    this.reply(null);
    return Boolean(was);
  }

  #answer(message, label) {
    $(".replying", this.#form).hidden = !message;
    if (!message) return;
    $(".replying b", this.#form).textContent = label;
    $(".replying span", this.#form).textContent = message.content ?? "";
    this.focus();
  }

  #send() {
    const content = this.#text.value.trim();
    const about = { replyTo: this.#replyTo, editing: this.#editing };
    if (!content || !this.#on.send(content, about)) return;
    this.reply(null);
    this.#text.value = "";
    this.#typing();
  }

  #typing() {
    const is = this.#text.value.trim() !== "";
    this.fit();
    this.#on.changed();
    if (is ? Date.now() - this.#typed < TYPING_EVERY_MS : !this.#typed) return;
    this.#typed = is ? Date.now() : 0;
    this.#on.typing(is);
  }

  /** As high as the text is; and what may be completed, of the names that are known by now. */
  fit() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
    if (this.#completion.isOpen) this.#completion.show();
  }
}
