// The way to the server: tokens, REST calls, and a socket that comes back by itself.

const SESSION = "hubbub.session";
const PROVIDER = "hubbub.provider";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const ANSWER_MS = 12_000; // without an answer for so long the connection counts as lost
const CLAIM_MS = 25_000; // longer than a request may take
const QUIET_MS = 45_000; // without a frame for so long it is asked whether it still lives

/** A problem document; status 0 where the server was not reached. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.code = problem.code;
  }

  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500 ||
      this.code === "not_yet_stored";
  }
}

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function request(method, path, body, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  let response, answer;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, cache: "no-store",
      body: body && JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
    answer = JSON.parse((await response.text()) || "null");
  } catch {
    throw new Refused({ status: 0, code: "network", detail: "Network error; try again." });
  }
  if (response.ok) return answer;
  throw new Refused({ detail: response.statusText, ...answer, status: response.status });
}

/** REST with the session's tokens, which all tabs share; a refresh token works only once. */
export class Api {
  get session() {
    return JSON.parse(localStorage.getItem(SESSION) ?? "null");
  }

  /** `login`, `register` or `oidc/exchange`; keeps the session, and with which provider it began. */
  async enter(how, body, provider = "") {
    const signedIn = await request("POST", `/auth/${how}`, body);
    localStorage.setItem(SESSION, JSON.stringify(signedIn));
    if (how !== "refresh") localStorage.setItem(PROVIDER, provider);
  }

  get provider() {
    return localStorage.getItem(PROVIDER) ?? "";
  }

  async leave() {
    await this.call("POST", "/auth/logout").catch(() => undefined);
    localStorage.clear();
  }

  async call(method, path, body) {
    const token = this.session?.token;
    try {
      return await request(method, path, body, token);
    } catch (error) {
      if (error.status !== 401) throw error;
      return request(method, path, body, await this.renew(token));
    }
  }

  get(path) {
    return this.call("GET", path);
  }

  /** A token newer than `used`. Refused with 401 (and signed out) where there is none. */
  async renew(used) {
    for (;;) {
      const { token, refresh_token } = this.session ?? {};
      if (!token) throw new Refused({ status: 401, code: "unauthorized", detail: "Sign in again." });
      if (token !== used) return token;
      if (await claimed(refresh_token)) return this.#refresh(refresh_token);
      await wait(50 + 100 * Math.random()); // another tab gets it, for this one too
    }
  }

  async #refresh(refresh_token) {
    try {
      await this.enter("refresh", { refresh_token });
    } catch (error) {
      if (error.temporary) await claimed(refresh_token, true);
      else localStorage.removeItem(SESSION);
      throw error;
    }
    return this.session.token;
  }
}

/**
 * Whether this tab may use the refresh token: the first that asks, or when that one was not heard
 * of for long; `back` gives it back. A token that is used twice ends the session, and localStorage
 * shows one tab late what another one wrote; IndexedDB does not.
 */
function claimed(token, back = false) {
  return new Promise((resolve) => {
    const opening = indexedDB.open("hubbub");
    opening.onupgradeneeded = () => opening.result.createObjectStore("tokens");
    opening.onerror = () => resolve(true);
    opening.onsuccess = () => {
      const database = opening.result;
      const work = database.transaction("tokens", "readwrite");
      const store = work.objectStore("tokens");
      let mine = true;
      store.get("claims").onsuccess = ({ target: { result: claims = [] } }) => {
        const others = claims.filter((claim) => claim.token !== token);
        const at = claims.find((claim) => claim.token === token)?.at ?? 0;
        mine = back || Date.now() - at > CLAIM_MS;
        if (back) store.put(others, "claims");
        else if (mine) store.put([...others.slice(-20), { token, at: Date.now() }], "claims");
      };
      work.oncomplete = work.onabort = () => {
        database.close();
        resolve(mine);
      };
    };
  });
}

/**
 * A socket that comes back: exponential backoff, full jitter, a new token where that is the cause.
 * `on`: prepare() before it connects, welcome(frame), frame(frame), lost(), out() if signed out,
 * waitingSince() of an unanswered send, state(name): connecting, online, lost, stopped for good.
 */
export class Connection {
  constructor(api, on) {
    this.#api = api;
    this.#on = on;
  }

  #api;
  #on;
  #socket = null; // after `welcome`
  #drop = () => undefined;
  #wake = () => undefined;
  #heard = 0;
  #asked = Infinity; // since when an answer is due
  #failures = 0;
  #ended = false;

  async run() {
    this.#on.state("connecting");
    const beat = setInterval(() => this.#beat(), 4000);
    while (!this.#ended) {
      const code = await this.#once();
      if (this.#ended || !this.#api.session) break;
      if (isFinal(code)) {
        this.#on.state("stopped");
        break;
      }
      this.#on.state("lost");
      const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures++);
      const woken = new Promise((resolve) => { this.#wake = resolve; });
      await Promise.race([wait(most * Math.random()), woken]);
    }
    clearInterval(beat);
    if (!this.#ended && !this.#api.session) this.#on.out();
  }

  /** One connection; answers its close code when it is over. */
  async #once() {
    try {
      await this.#on.prepare();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return 1006;
    }
    const { token, user } = this.#api.session ?? {};
    const url = `${location.origin.replace(/^http/, "ws")}/ws?user=${user?.id ?? ""}`;
    const code = await new Promise((resolve) => {
      const socket = new WebSocket(url, ["hubbub.v1"]);
      const end = (why) => {
        socket.onopen = socket.onclose = socket.onmessage = null;
        socket.close();
        this.#socket = null;
        this.#asked = Infinity;
        this.#drop = () => undefined;
        this.#on.lost();
        resolve(why);
      };
      this.#drop = () => end(1006);
      this.#asked = Date.now();
      socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token }));
      socket.onclose = (event) => end(event.code);
      socket.onmessage = (event) => this.#frame(socket, JSON.parse(event.data));
    });
    if (code < 4400 || code > 4409) return code;
    return this.#api.renew(token).then(() => 1006, () => 1006);
  }

  #frame(socket, frame) {
    this.#heard = Date.now();
    this.#asked = Infinity;
    if (frame.type === "welcome") {
      if (this.#socket === socket) return; // answers a question or a new token
      this.#socket = socket;
      this.#on.welcome(frame);
    } else if (frame.type === "token_expiring") {
      this.#api.renew(this.#api.session?.token).then(() => this.#ask(), () => undefined);
    } else {
      this.#on.frame(frame);
    }
    if (frame.type === "caught_up") {
      this.#failures = 0;
      this.#on.state("online");
    }
  }

  send(frame) {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** `auth` again: renews the token, and its answer shows that the connection lives. */
  #ask() {
    if (!this.#socket) return;
    this.#asked = Math.min(this.#asked, Date.now());
    this.send({ type: "auth", token: this.#api.session?.token });
  }

  #beat() {
    const now = Date.now();
    if (now - Math.min(this.#asked, this.#on.waitingSince()) > ANSWER_MS) this.#drop();
    else if (now - this.#heard > QUIET_MS && this.#asked === Infinity) this.#ask();
  }

  /** There may be a network again, or somebody looks: try now. */
  kick() {
    this.#wake();
    if (Date.now() - this.#heard > ANSWER_MS) this.#ask();
  }

  /** The network is gone: do not wait for the connection to notice. */
  drop() {
    this.#drop();
  }

  end() {
    this.#ended = true;
    this.#drop();
    this.#wake();
  }
}

/** After these close codes another try would end the same. */
function isFinal(code) {
  return [1002, 1007, 1008, 1009].includes(code) || (code >= 4410 && code <= 4419);
}
