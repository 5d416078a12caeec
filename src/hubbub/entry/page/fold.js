// How cursors, messages and windows of a log are put together. Values in, values out.

/** A cursor moved forward; what was read has also arrived. */
export function forward(cursor, delivered, read) {
  return { delivered: Math.max(cursor.delivered, delivered, read),
    read: Math.max(cursor.read, read) };
}

/** The later of two messages; of the same one its later state. */
export function latest(one, other) {
  if (!one || !other) return one ?? other ?? null;
  return other.seq > one.seq || (other.seq === one.seq && other.rev >= one.rev) ? other : one;
}

/** Puts a message where its `seq` says, once, in its latest state. */
export function insert(messages, message) {
  const i = messages.findLastIndex((m) => m.seq <= message.seq);
  if (messages[i]?.seq !== message.seq) messages.splice(i + 1, 0, message);
  else if (message.rev >= messages[i].rev) messages[i] = renewed(messages[i], message);
}

/** A message's later state, with what only REST says of it. */
export function renewed(before, { status, replies, ...rest }) {
  return { ...rest, status: status ?? before.status, replies: replies ?? before.replies };
}

/** Counts a reply at the message that began its thread, and there those that came before it. */
export function tally(messages, message) {
  const id = message.thread_id ?? message.id;
  const root = messages.find((m) => m.id === id);
  const replies = message.thread_id ? [message] : messages.filter((m) => m.thread_id === id);
  for (const { seq, created_at } of root ? replies : []) {
    const { count = 0, seq: newest = 0 } = root.replies ?? {};
    if (seq > newest) root.replies = { count: count + 1, seq, last_at: created_at };
  }
}

/** The list in parts of at most `size`. */
export function slices(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) =>
    list.slice(i * size, (i + 1) * size));
}
