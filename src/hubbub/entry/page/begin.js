// Beginning chats, and coming into groups: what the dialogs ask for, as calls to the server.

export class Begin {
  /** `session()`: whose chats they become. */
  constructor(api, session) {
    Object.assign(this, { api, session });
  }

  /** The ids of users by their names. */
  people(names) {
    return Promise.all(names.map(async (name) => {
      const { users } = await this.api.get(`/users?username=${encodeURIComponent(name)}`);
      if (!users.length) throw new Error(`There is nobody with the user name ${name}.`);
      return users[0].id;
    }));
  }

  async chat(names) {
    if (names.length !== 1) throw new Error("One user name, please. For more people make a group.");
    const member_ids = await this.people(names);
    if (member_ids[0] === this.session().me.id) throw new Error("That is you.");
    await this.#come("/chats", { chat_type: "direct", member_ids });
  }

  async group(title, names) {
    const member_ids = await this.people(names);
    await this.#come("/chats", { chat_type: "group", title, member_ids });
  }

  /** Where an invite leads. */
  look(code) {
    return this.api.call("POST", "/invites/look", { code });
  }

  follow(code) {
    return this.#come("/invites/join", { code });
  }

  join(id) {
    return this.#come(`/chats/${id}/join`);
  }

  async #come(path, body) {
    location.hash = this.session().chat(await this.api.call("POST", path, body)).id;
  }

  /** A link by which somebody may sign up. */
  async invite() {
    const { url } = await this.api.call("POST", "/invites");
    return new URL(url, location.href).href;
  }
}
