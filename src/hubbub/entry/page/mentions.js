// Whom a text names, and how many unread messages of a chat name the user. Pure.

const NAMED = /(?<![\w@])@([A-Za-z0-9._-]*[A-Za-z0-9_])/;
const COUNTED = 1000; // as far as the server counts
export const ALL = "all"; // as a name: everybody in the group

/** Whether somebody else's message names this user, or everybody. */
export function concerns(message, me) {
  const named = message.mention_all || message.mentions?.includes(me);
  return Boolean(named) && message.sender_id !== me && !message.is_deleted;
}

/** Of these users those whom the text names as @username, and whether it names @all. */
function names(text, users) {
  const said = new Set(parts(text).filter((_, i) => i % 2).map((name) => name.toLowerCase()));
  return { mentions: users.filter(({ username }) => said.has(username)).map(({ id }) => id),
    all: said.has(ALL) };
}

/** The fields of a message that name the `users` whom its text names. */
export function named(text, users) {
  const { mentions, all } = names(text, users);
  return { mentions: mentions.length ? mentions : undefined, mention_all: all || undefined };
}

/**
 * The same of an edit, as far as it changes whom the message names. Whom its text never named, since
 * somebody else wrote it or the name is not known here, stays.
 */
export function namedAnew({ content = "", mentions = [], mention_all = false }, text, users) {
  const [before, now] = [names(content, users), names(text, users)];
  const kept = mentions.filter((id) => !before.mentions.includes(id));
  const wanted = [...new Set([...kept, ...now.mentions])];
  const all = now.all || (mention_all && !before.all);
  const same = wanted.length === mentions.length && wanted.every((id) => mentions.includes(id));
  return { mentions: same ? undefined : wanted, mention_all: all === mention_all ? undefined : all };
}

/** The text in parts: at odd places the names after an @. */
export function parts(text) {
  return text.split(NAMED);
}

/**
 * How many unread messages name the user: those that came as messages are known one by one, of the
 * others only what the server counted.
 */
export class Mentions {
  #seqs = new Set();
  #others = 0;
  #upto = 0; // the server counted up to there

  get count() {
    return Math.min(COUNTED, this.#seqs.size + this.#others);
  }

  /** Whether an unread message that came names him. */
  has(seq) {
    return this.#seqs.has(seq);
  }

  /** An unread message as it is now. Answers whether only the server can tell what that changes. */
  take({ seq, rev }, named) {
    const known = this.#seqs.has(seq);
    const counted = !known && seq <= this.#upto && this.#others > 0;
    if (named) this.#seqs.add(seq);
    else this.#seqs.delete(seq);
    if (counted && named) this.#others -= 1;
    return counted && !named && rev !== seq; // as it was, it may have named him
  }

  /** The server counts so many, up to a position. */
  told(count, upto) {
    this.#others = Math.max(0, count - [...this.#seqs].filter((seq) => seq <= upto).length);
    this.#upto = upto;
  }

  /** Read up to there. Answers whether some of the others may be left. */
  read(seq) {
    for (const one of this.#seqs) if (one <= seq) this.#seqs.delete(one);
    if (seq >= this.#upto) this.#others = 0;
    return this.#others > 0;
  }
}
