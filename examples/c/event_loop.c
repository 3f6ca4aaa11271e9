/* The REST API inside a server of one thread that never waits: epoll for the sockets, an eventfd for the library's completions.
 *
 *   cc -std=c99 examples/c/event_loop.c -Iinclude -Lbuild/c -lhellojohn -pthread -Wl,-rpath,$PWD/build/c -o event_loop
 *   ./event_loop sessions.db 127.0.0.1:8787
 *   curl http://127.0.0.1:8787/v1/auth/sign-in -H "Content-Type: application/json" \
 *     -d '{"email": "ada@example.com", "password": "correct horse"}'
 *
 * It reads just enough of HTTP/1.1 for that: one request a connection, with a Content-Length.
 */
#define _GNU_SOURCE

#include <hellojohn.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADERS_MAX = 129 }; /* the API refuses more than 128 */
enum { HEAD_MAX = 64 * 1024, INPUT_MAX = HEAD_MAX + HJ_REST_BODY_MAX + 1 };

struct connection {
  int fd;
  char address[INET_ADDRSTRLEN];
  char input[INPUT_MAX];
  size_t received;
  hj_pending_response *pending; /* from the request's end until its answer */
  char *output;
  size_t output_size, sent;
  struct connection *next_done;
};

static hj_rest *rest;
static int poller, listener, signals, wake;

/* What the completions hand over to the loop. */
static pthread_mutex_t done_lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection *done;

/* On a thread of the library: only notes the connection and wakes the loop. */
static void complete(void *user_data) {
  struct connection *connection = user_data;
  uint64_t one = 1;
  pthread_mutex_lock(&done_lock);
  connection->next_done = done;
  done = connection;
  pthread_mutex_unlock(&done_lock);
  if (write(wake, &one, sizeof one) < 0) { /* the counter is full: the loop is awake */
  }
}

static void close_connection(struct connection *connection) {
  /* Not under the lock, which the completion takes. After this call, it is neither running nor called any more. */
  hj_pending_response_free(connection->pending);
  pthread_mutex_lock(&done_lock);
  struct connection **at = &done;
  while (*at != NULL && *at != connection) {
    at = &(*at)->next_done;
  }
  if (*at != NULL) {
    *at = connection->next_done;
  }
  pthread_mutex_unlock(&done_lock);
  close(connection->fd);
  free(connection->output);
  free(connection);
}

static void watch(struct connection *connection, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
}

static void refuse(struct connection *connection, const char *status) {
  if (asprintf(&connection->output, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status) < 0) {
    connection->output = NULL;
    shutdown(connection->fd, SHUT_RDWR);
    return;
  }
  connection->output_size = strlen(connection->output);
  watch(connection, EPOLLOUT);
}

/* The answer of the API is there: waiting for it does not wait. */
static void answer(struct connection *connection) {
  hj_response *response = NULL;
  hj_error *error = NULL;
  if (hj_pending_response_wait(connection->pending, &response, &error) != HJ_OK) {
    fprintf(stderr, "%s\n", hj_error_detail(error));
    hj_error_free(error);
    refuse(connection, "500 Internal Server Error");
    return;
  }
  int status = hj_response_status(response);
  bool has_length = status == 204;
  FILE *output = open_memstream(&connection->output, &connection->output_size);
  if (output != NULL) {
    fprintf(output, "HTTP/1.1 %d \r\nConnection: close\r\n", status);
    for (size_t i = 0; i < hj_response_header_count(response); i++) {
      const char *name = hj_response_header_name(response, i), *value = hj_response_header_value(response, i);
      has_length = has_length || strcmp(name, "content-length") == 0; /* in the answer to a HEAD */
      fprintf(output, "%s: %s\r\n", name, value);
    }
    if (!has_length) {
      fprintf(output, "content-length: %zu\r\n", hj_response_body_len(response));
    }
    fputs("\r\n", output);
    fwrite(hj_response_body(response), 1, hj_response_body_len(response), output);
    fclose(output);
  }
  hj_response_free(response);
  watch(connection, EPOLLOUT);
}

static hj_str trimmed(const char *from, const char *to) {
  while (from < to && (*from == ' ' || *from == '\t')) {
    from++;
  }
  while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
    to--;
  }
  return hj_str_view(from, (size_t)(to - from));
}

static bool is_named(hj_str name, const char *expected) {
  return name.len == strlen(expected) && strncasecmp(name.ptr, expected, name.len) == 0;
}

/* Begins to answer the request if all of it has come. */
static void read_request(struct connection *connection) {
  char *input = connection->input, *head_end = memmem(input, connection->received, "\r\n\r\n", 4);
  if (head_end == NULL) {
    if (connection->received > HEAD_MAX) {
      refuse(connection, "431 Request Header Fields Too Large");
    }
    return;
  }
  hj_header lines[HEADERS_MAX];
  hj_rest_request request = hj_rest_request_init();
  char *line = input, *line_end = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2);
  char *after_method = memchr(line, ' ', (size_t)(line_end - line));
  char *version = memrchr(line, ' ', (size_t)(line_end - line));
  if (after_method == NULL || after_method == version) {
    refuse(connection, "400 Bad Request");
    return;
  }
  request.method = hj_str_view(line, (size_t)(after_method - line));
  request.target = hj_str_view(after_method + 1, (size_t)(version - after_method - 1));
  request.headers = lines;
  unsigned long long length = 0;
  for (line = line_end + 2; line < head_end + 2 && request.header_count < HEADERS_MAX; line = line_end + 2) {
    line_end = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2);
    char *colon = memchr(line, ':', (size_t)(line_end - line));
    if (colon == NULL) {
      refuse(connection, "400 Bad Request");
      return;
    }
    hj_header header = {hj_str_view(line, (size_t)(colon - line)), trimmed(colon + 1, line_end)};
    if (is_named(header.name, "transfer-encoding")) {
      refuse(connection, "411 Length Required");
      return;
    }
    if (is_named(header.name, "content-length")) {
      char digits[16] = "", *end = digits;
      memcpy(digits, header.value.ptr, header.value.len < sizeof digits ? header.value.len : 0);
      length = strtoull(digits, &end, 10);
      if (*end != '\0' || digits[0] < '0' || digits[0] > '9') {
        refuse(connection, "400 Bad Request");
        return;
      }
    }
    lines[request.header_count++] = header;
  }
  size_t wanted = length > HJ_REST_BODY_MAX ? HJ_REST_BODY_MAX + 1 : (size_t)length; /* one too many is enough for a 413 */
  size_t body_at = (size_t)(head_end - input) + 4;
  if (connection->received - body_at < wanted) {
    return;
  }
  request.body = hj_str_view(input + body_at, wanted);
  request.client_address = hj_str_of(connection->address);

  hj_error *error = NULL;
  if (hj_rest_begin_handle(rest, &request, &connection->pending, &error) == HJ_OK) {
    watch(connection, EPOLLRDHUP);
    if (hj_pending_response_notify(connection->pending, complete, connection, &error) == HJ_OK) {
      return;
    }
  }
  fprintf(stderr, "%s\n", hj_error_detail(error));
  hj_error_free(error);
  refuse(connection, "500 Internal Server Error");
}

static void handle(struct connection *connection, uint32_t events) {
  if (connection->output != NULL && (events & EPOLLOUT) != 0) {
    size_t left = connection->output_size - connection->sent;
    ssize_t count = send(connection->fd, connection->output + connection->sent, left, MSG_NOSIGNAL);
    connection->sent += count > 0 ? (size_t)count : 0;
    if (count < 0 || connection->sent == connection->output_size) {
      close_connection(connection);
    }
  } else if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    close_connection(connection); /* the client has gone, perhaps while its request is answered */
  } else {
    size_t room = INPUT_MAX - connection->received;
    ssize_t count = recv(connection->fd, connection->input + connection->received, room, 0);
    if (count <= 0) {
      close_connection(connection);
      return;
    }
    connection->received += (size_t)count;
    read_request(connection);
  }
}

static void accept_connection(void) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  struct connection *connection = fd < 0 ? NULL : calloc(1, sizeof *connection);
  if (connection == NULL) {
    if (fd >= 0) {
      close(fd);
    }
    return;
  }
  connection->fd = fd;
  inet_ntop(AF_INET, &peer.sin_addr, connection->address, sizeof connection->address);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

/* Runs until a signal says stop. Completions come last in each turn, because they may free what an event is about. */
static void run(void) {
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(poller, events, 64, -1);
    bool is_woken = false;
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == &listener) {
        accept_connection();
      } else if (events[i].data.ptr == &signals) {
        return;
      } else if (events[i].data.ptr == &wake) {
        uint64_t times;
        is_woken = read(wake, &times, sizeof times) > 0;
      } else {
        handle(events[i].data.ptr, events[i].events);
      }
    }
    while (is_woken) {
      pthread_mutex_lock(&done_lock);
      struct connection *next = done;
      done = next != NULL ? next->next_done : NULL;
      pthread_mutex_unlock(&done_lock);
      if (next == NULL) {
        break;
      }
      answer(next);
    }
  }
}

/* The application's own check of credentials, on a thread of the library: it may take its time. */
static void authenticate(void *user_data, hj_sign_in *sign_in) {
  (void)user_data;
  if (strcmp(hj_sign_in_email(sign_in), "ada@example.com") == 0 &&
      strcmp(hj_sign_in_password(sign_in), "correct horse") == 0) {
    hj_sign_in_accept(sign_in, HJ_STR("usr_ada"), NULL, NULL);
  }
}

static void add(int *fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, *fd, &event);
}

static bool start(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  socklen_t size = sizeof address;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  signals = signalfd(-1, &stop, SFD_CLOEXEC);
  wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (listener < 0 || signals < 0 || wake < 0 || poller < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
      bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
    return false;
  }
  add(&listener);
  add(&signals);
  add(&wake);
  printf("listening on http://%s:%d\n", host, ntohs(address.sin_port));
  fflush(stdout);
  return true;
}

static const char *setting(const char *name, const char *documented) {
  return getenv(name) != NULL ? getenv(name) : documented;
}

int main(int argc, char **argv) {
  char host[INET_ADDRSTRLEN] = "";
  int port = 0;
  if (sscanf(argc > 2 ? argv[2] : "127.0.0.1:8787", "%15[0-9.]:%d", host, &port) != 2) {
    fprintf(stderr, "usage: event_loop [DATABASE [ADDRESS:PORT]]\n");
    return 2;
  }
  hj_str id = hj_str_of(setting("HELLOJOHN_TENANT_ID", "tnt_01HABCDEF654321"));
  hj_str key = hj_str_of(setting("HELLOJOHN_SECRET_KEY", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"));
  hj_rest_options options = hj_rest_options_init();
  options.authenticate = authenticate;
  options.settings_json = HJ_STR("{\"dashboard\":true}"); /* pages for operators under /dashboard/ */
  hj_engine *engine = NULL;
  hj_tenant *tenant = NULL;
  hj_error *error = NULL;
  bool started = false;
  if (hj_engine_open(hj_str_of(argc > 1 ? argv[1] : ":memory:"), NULL, &engine, &error) != HJ_OK ||
      hj_engine_tenant(engine, id, key, &tenant, &error) != HJ_OK ||
      hj_tenant_rest(tenant, &options, &rest, &error) != HJ_OK) {
    fprintf(stderr, "%s\n", hj_error_detail(error));
  } else if (!(started = start(host, port))) {
    fprintf(stderr, "cannot listen on %s:%d\n", host, port);
  } else {
    run(); /* what is still begun then dies with the process */
  }
  hj_error_free(error);
  hj_rest_free(rest);
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return started ? 0 : 1;
}
