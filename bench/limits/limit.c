/* The limit: a single-threaded epoll WebSocket server that stores nothing and checks nothing.
 *
 * It answers the benchmark's frames with frames of Hubbub's shape and size: welcome, caught_up,
 * ack, message to both sides, delivery_receipt; a send to GROUP goes to every connection. Writes
 * of one turn are joined. Users are the tokens "u0", "u1", ...; 2p and 2p+1 are a pair.
 *
 * Usage: limit PORT     (listens on 127.0.0.1; ends with its standard input)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FD 65536
#define CHUNK 65536
#define GROUP "chat_ggggggggggggg"
#define NOW "2026-01-01T00:00:00.000Z"

typedef struct {
  int user, open, dirty, waiting;
  char *in, *out;
  size_t in_len, in_cap, out_len, out_cap;
} Conn;

typedef struct {
  long seq, last[2], told[2];
  int fd[2];
} Pair;

static Conn conns[MAX_FD];
static Pair pairs[MAX_FD];
static int dirty[MAX_FD], dirties, highest, ep;
static long group_seq, messages;

static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* SHA-1 of up to 119 bytes (FIPS 180-4), for Sec-WebSocket-Accept. */
static void sha1(const char *text, size_t n, unsigned char out[20]) {
  unsigned char block[128] = {0};
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  size_t blocks = n + 9 > 64 ? 2 : 1;
  memcpy(block, text, n);
  block[n] = 0x80;
  for (int i = 0; i < 8; i++) block[blocks * 64 - 1 - i] = (unsigned char)((uint64_t)n * 8 >> 8 * i);
  for (size_t b = 0; b < blocks; b++) {
    uint32_t w[80], a = h[0], c1 = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++) {
      const unsigned char *p = block + b * 64 + i * 4;
      w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    }
    for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
      uint32_t f, k;
      if (i < 20) f = (c1 & c) | (~c1 & d), k = 0x5A827999;
      else if (i < 40) f = c1 ^ c ^ d, k = 0x6ED9EBA1;
      else if (i < 60) f = (c1 & c) | (c1 & d) | (c & d), k = 0x8F1BBCDC;
      else f = c1 ^ c ^ d, k = 0xCA62C1D6;
      uint32_t t = rol(a, 5) + f + e + k + w[i];
      e = d, d = c, c = rol(c1, 30), c1 = a, a = t;
    }
    h[0] += a, h[1] += c1, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const unsigned char *in, char *out) {
  static const char a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 21; i += 3) {
    uint32_t v = (uint32_t)in[i] << 16 | in[i + 1] << 8 | (i + 2 < 20 ? in[i + 2] : 0);
    for (int j = 0; j < 4; j++) *out++ = a[v >> (18 - 6 * j) & 63];
  }
  out[-1] = '=', out[0] = 0;
}

static void append(char **buf, size_t *len, size_t *cap, const void *data, size_t n) {
  if (*len + n > *cap) {
    *cap = (*len + n) * 2 + 512;
    if (!(*buf = realloc(*buf, *cap))) abort();
  }
  memcpy(*buf + *len, data, n);
  *len += n;
}

static void put(int fd, const void *data, size_t n) {
  Conn *c = conns + fd;
  if (!c->open) return;
  append(&c->out, &c->out_len, &c->out_cap, data, n);
  if (!c->dirty) c->dirty = 1, dirty[dirties++] = fd;
}

/* One text frame into `buf`, with room for its head before it; its length, head included. */
static size_t head(char *payload, size_t n, char **start) {
  if (n < 126) {
    *start = payload - 2;
    (*start)[0] = (char)0x81, (*start)[1] = (char)n;
    return n + 2;
  }
  *start = payload - 4;
  (*start)[0] = (char)0x81, (*start)[1] = 126, (*start)[2] = (char)(n >> 8), (*start)[3] = (char)n;
  return n + 4;
}

static void say(int fd, char *payload, size_t n) {
  char *start;
  size_t len = head(payload, n, &start);
  put(fd, start, len);
}

static void shut(int fd) {
  Conn *c = conns + fd;
  if (!c->open) return;
  c->open = 0;
  free(c->in), free(c->out);
  memset(c, 0, sizeof *c);
  close(fd);
}

static void flush(int fd) {
  Conn *c = conns + fd;
  c->dirty = 0;
  if (!c->open || !c->out_len) return;
  ssize_t n = send(fd, c->out, c->out_len, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) { shut(fd); return; }
  if (n < 0) n = 0;
  memmove(c->out, c->out + n, c->out_len - (size_t)n);
  c->out_len -= (size_t)n;
  int waiting = c->out_len > 0;
  if (waiting != c->waiting) {
    struct epoll_event e = {.events = EPOLLIN | (waiting ? EPOLLOUT : 0), .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
    c->waiting = waiting;
  }
}

static int handshake(int fd) {
  Conn *c = conns + fd;
  if (c->in_len < 4 || !memmem(c->in, c->in_len, "\r\n\r\n", 4)) return 0;
  char *key = memmem(c->in, c->in_len, "Sec-WebSocket-Key: ", 19);
  if (!key) { shut(fd); return 0; }
  char text[64], accept[32], reply[256], buf[300];
  unsigned char hash[21] = {0};
  memcpy(text, key + 19, 24);
  memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
  sha1(text, 60, hash);
  base64(hash, accept);
  put(fd, reply, (size_t)sprintf(reply, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: hubbub.v1\r\n\r\n", accept));
  char *token = memmem(c->in, c->in_len, "Bearer u", 8);
  c->user = token ? atoi(token + 8) : -1;
  c->in_len = 0;
  if (c->user >= 0) {
    if (c->user / 2 < MAX_FD) pairs[c->user / 2].fd[c->user & 1] = fd;
    say(fd, buf + 4, (size_t)sprintf(buf + 4, "{\"type\":\"welcome\",\"user_id\":\"user_%013d\",\"session_id\":"
        "\"session_%013d\",\"server_time\":\"" NOW "\",\"heartbeat\":30.0,\"limits\":{}}", c->user, c->user));
  }
  return 1;
}

/* What `received` says of its one chat: "positions":{"chat_…":N}. */
static long position(const char *p, size_t n) {
  char *at = memmem(p, n, "\"chat_", 6);
  return at && at + 21 < p + n ? atol(at + 21) : 0;
}

static void on_send(int fd, char *p, size_t n) {
  char *id = memmem(p, n, "\"client_id\":\"", 13), *chat = memmem(p, n, "\"chat_id\":\"", 11);
  char *content = memmem(p, n, "\"content\":\"", 11), *end, *start, buf[4096], whole[4096];
  if (!id || !chat || !content || n > 2048) { shut(fd); return; }
  id += 13, chat += 11, content += 11;
  end = memchr(content, '"', n - (size_t)(content - p));
  if (!end) { shut(fd); return; }
  int user = conns[fd].user, group = !memcmp(chat, GROUP, 18), size = (int)(end - content);
  Pair *pair = pairs + user / 2;
  long seq = group ? ++group_seq : ++pair->seq;
  if (!group) pair->last[user & 1] = seq;
  messages++;
  say(fd, buf + 4, (size_t)sprintf(buf + 4, "{\"type\":\"ack\",\"client_id\":\"%.36s\",\"id\":\"msg_%013ld\","
      "\"chat_id\":\"%.18s\",\"created_at\":\"" NOW "\",\"status\":\"queued\"}", id, messages, chat));
  int len = sprintf(whole + 4, "{\"type\":\"message\",\"id\":\"msg_%013ld\",\"chat_id\":\"%.18s\",\"seq\":%ld,\"rev\":%ld,"
      "\"number\":%ld,\"created_at\":\"" NOW "\",\"sender_id\":\"user_%013d\"", messages, chat, seq, seq, seq, user);
  if (!group) len += sprintf(whole + 4 + len, ",\"recipient_ids\":[\"user_%013d\"]", user ^ 1);
  len += sprintf(whole + 4 + len, ",\"content\":\"%.*s\"", size, content);
  memcpy(buf + 4, whole + 4, (size_t)len);
  say(fd, buf + 4, (size_t)(len + sprintf(buf + 4 + len, ",\"client_id\":\"%.36s\"}", id)));
  whole[4 + len] = '}';
  size_t total = head(whole + 4, (size_t)len + 1, &start);
  if (!group) put(pair->fd[~user & 1], start, total);
  else
    for (int other = 0; other <= highest; other++)
      if (other != fd && conns[other].open && conns[other].user >= 0) put(other, start, total);
}

static void on_frame(int fd, char *p, size_t n) {
  int user = conns[fd].user;
  char buf[512];
  if (n < 12 || user < 0) return;
  if (!memcmp(p, "{\"type\":\"send", 13)) on_send(fd, p, n);
  else if (!memcmp(p, "{\"type\":\"resu", 13))
    say(fd, buf + 4, (size_t)sprintf(buf + 4, "{\"type\":\"caught_up\",\"positions\":{}}"));
  else if (!memcmp(p, "{\"type\":\"rece", 13) && !memmem(p, n, GROUP, 18)) {
    Pair *pair = pairs + user / 2;
    int author = ~user & 1;
    long seq = position(p, n);
    if (pair->last[author] <= pair->told[author] || seq <= pair->told[author]) return;
    if (seq > pair->last[author]) seq = pair->last[author];
    pair->told[author] = seq;
    say(pair->fd[author], buf + 4, (size_t)sprintf(buf + 4, "{\"type\":\"delivery_receipt\",\"chat_id\":\"chat_%013d\","
        "\"message_id\":\"msg_%013ld\",\"seq\":%ld,\"delivered_to\":\"user_%013d\",\"at\":\"" NOW "\"}",
        user / 2, messages, seq, user));
  }
}

static void on_input(int fd) {
  Conn *c = conns + fd;
  static char chunk[CHUNK];
  ssize_t got = recv(fd, chunk, CHUNK, 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) shut(fd);
    return;
  }
  append(&c->in, &c->in_len, &c->in_cap, chunk, (size_t)got);
  if (c->user == -2) { handshake(fd); return; }
  size_t at = 0;
  while (c->open && c->in_len - at >= 6) {
    unsigned char *f = (unsigned char *)c->in + at;
    size_t n = f[1] & 127, start = 2;
    if (n == 126) n = (size_t)f[2] << 8 | f[3], start = 4;
    else if (n == 127) { shut(fd); return; }
    if (c->in_len - at < start + 4 + n) break;
    unsigned char *key = f + start, *p = key + 4;
    for (size_t i = 0; i < n; i++) p[i] ^= key[i & 3];
    if ((f[0] & 15) == 1) on_frame(fd, (char *)p, n);
    at += start + 4 + n;
  }
  if (!c->open) return;
  memmove(c->in, c->in + at, c->in_len - at);
  c->in_len -= at;
  if (!c->in_len) free(c->in), c->in = 0, c->in_cap = 0;
}

int main(int argc, char **argv) {
  int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0)),
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 4096)) { perror("listen"); return 1; }
  ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
  e.data.fd = 0;
  epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e);
  for (;;) {
    int n = epoll_wait(ep, events, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd, one;
      if (fd == 0) return 0;
      if (fd != listener) {
        if (events[i].events & EPOLLOUT) flush(fd);
        if (conns[fd].open) on_input(fd);
      } else
        for (int k = 0; k < 64 && (one = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0; k++) {
          if (one >= MAX_FD) { close(one); continue; }
          setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
          conns[one] = (Conn){.user = -2, .open = 1};
          if (one > highest) highest = one;
          e = (struct epoll_event){.events = EPOLLIN, .data.fd = one};
          epoll_ctl(ep, EPOLL_CTL_ADD, one, &e);
        }
    }
    for (int i = 0; i < dirties; i++) flush(dirty[i]);
    dirties = 0;
  }
}
