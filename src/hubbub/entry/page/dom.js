// Small helpers to show things: elements, lists that change in place, times, names.

export const LINK = { target: "_blank", rel: "noopener noreferrer nofollow" };

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element with attributes (`on…` are listeners) and children; text stays text. */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", `i-${name}`);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/**
 * Makes the children of `list` those of `items` {key, sign, make, redo}: only what changed is redone.
 * Where there is `redo(node)` the node stays, so that a press that began on it still counts.
 */
export function patch(list, items) {
  const keys = new Set(items.map(({ key }) => key));
  const old = new Map();
  for (const node of [...list.children]) {
    if (keys.has(node.dataset.key)) old.set(node.dataset.key, node);
    else node.remove();
  }
  let at = list.firstChild;
  for (const { key, sign, make, redo } of items) {
    let node = old.get(key);
    const text = JSON.stringify(sign);
    if (node && redo && node.sign !== text) {
      redo(node);
      node.sign = text;
    } else if (node?.sign !== text) {
      const fresh = make();
      fresh.dataset.key = key;
      fresh.sign = text;
      const focused = node?.contains(document.activeElement);
      if (at === node) at = fresh;
      node?.replaceWith(fresh);
      if (focused) $("button, a", fresh)?.focus();
      node = fresh;
    }
    if (at === node) at = node.nextSibling;
    else list.insertBefore(node, at);
  }
}

/** Text with its http and https links made links. */
export function linked(text) {
  return text.split(/(\bhttps?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}])/)
    .map((part, i) => (i % 2 && linkable(part) ? h("a", { href: part, ...LINK }, part) : part));
}

/** Whether it may stand in a link: nothing but http and https. */
export function linkable(url) {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** Shows a round picture with initials, in a colour of its own. */
export function avatar(element, name, id) {
  const words = name.trim().split(/\s+/);
  element.textContent = words.slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
  return tinted(element, id);
}

/** Gives whoever has this id his own colour. */
export function tinted(element, id) {
  const hue = [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 9973, 7) * 137 % 360;
  element.style.setProperty("--hue", hue);
  return element;
}

export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function day(at, now = new Date()) {
  const date = new Date(at);
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short", year });
}

/** The time of today's things, the day of older ones. */
export function when(at) {
  const text = day(at);
  return text === "Today" ? clock(at) : text;
}

/** The day and the time. */
export function lately(at) {
  const text = day(at);
  return `${text === "Today" ? "" : `${text.replace("Yesterday", "yesterday")} `}at ${clock(at)}`;
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
