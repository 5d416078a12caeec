// Where to forward a message.

import { mayWrite } from "./chat.js";
import { $, avatar, h, patch } from "./dom.js";
import { show } from "./forms.js";
import { title } from "./words.js";

const SHOWN = 50;

export class ForwardDialog {
  /** `session()` has the chats; `forward(chat, message)` sends it there. */
  constructor(session, forward) {
    Object.assign(this, { session, forward });
    this.#form.addEventListener("input", () => this.#render());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      $("button", $("#targets"))?.click(); // Enter: the first that fits
    });
  }

  #form = $("#forward-dialog form");
  #message = null;

  open(message) {
    this.#message = message;
    show($("#forward-dialog"));
    this.#render();
  }

  #render() {
    const wanted = this.#form.elements.text.value.trim().toLowerCase();
    const chats = this.session().sorted().filter((chat) => mayWrite(chat)
      && title(chat).toLowerCase().includes(wanted)).slice(0, SHOWN);
    patch($("#targets"), chats.map((chat) => ({ key: chat.id, sign: title(chat), make: () =>
      h("li", {}, h("button", { type: "button", onclick: () => this.#choose(chat) },
        avatar(h("span.avatar", { "aria-hidden": "true" }), title(chat), chat.peer?.id ?? chat.id),
        h("span.name", {}, title(chat)))) })));
    $("#no-target").hidden = chats.length > 0;
  }

  #choose(chat) {
    $("#forward-dialog").close();
    this.forward(chat, this.#message);
  }
}
