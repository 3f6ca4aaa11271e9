/* The REST API inside a C server, libmicrohttpd here (Debian: libmicrohttpd-dev):
 *
 *   cc -std=c99 examples/c/server.c -Iinclude -Lbuild/c -lhellojohn -lmicrohttpd -Wl,-rpath,$PWD/build/c -o server
 *   ./server sessions.db 127.0.0.1:8787
 *   curl http://127.0.0.1:8787/v1/auth/sign-in -H "Content-Type: application/json" \
 *     -d '{"email": "ada@example.com", "password": "correct horse"}'
 *   curl http://127.0.0.1:8787/v1/sessions -H "Authorization: Bearer sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"
 *
 * The dashboard is at http://127.0.0.1:8787/dashboard/; it asks for that secret key.
 */
#define _POSIX_C_SOURCE 200809L

#include <hellojohn.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The server cuts the connection after a body of this length. Up to here the client still gets its 413. */
enum { RECEIVED_MAX = 1024 * 1024 };
enum { HEADERS_MAX = 129 }; /* the API refuses more than 128 */

struct request {
  char *target; /* path and query as the client sent them */
  bool started;
  size_t received, kept;
  char body[HJ_REST_BODY_MAX + 1]; /* one byte too many is enough for a 413 */
};

struct headers {
  size_t count;
  hj_header lines[HEADERS_MAX];
};

/* The application's own check of credentials; a real one asks its user table and a password hash. */
static void authenticate(void *user_data, hj_sign_in *sign_in) {
  static const char *const users[][3] = {
      {"ada@example.com", "correct horse", "usr_ada"},
      {"bob@example.com", "battery staple", "usr_bob"},
  };
  (void)user_data;
  for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
    if (strcmp(hj_sign_in_email(sign_in), users[i][0]) == 0 &&
        strcmp(hj_sign_in_password(sign_in), users[i][1]) == 0) {
      hj_sign_in_accept(sign_in, hj_str_of(users[i][2]), NULL, NULL);
    }
  }
}

/* The server decodes paths; the API needs them as the client sent them. */
static void *begin(void *unused, const char *target, struct MHD_Connection *connection) {
  struct request *request = calloc(1, sizeof *request);
  (void)unused, (void)connection;
  if (request != NULL && (request->target = strdup(target)) == NULL) {
    free(request);
    request = NULL;
  }
  return request;
}

static void end(void *unused, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode how) {
  struct request *request = *state;
  (void)unused, (void)connection, (void)how;
  if (request != NULL) {
    free(request->target);
    free(request);
  }
}

static enum MHD_Result add_header(void *state, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                  const char *value, size_t value_size) {
  struct headers *headers = state;
  (void)kind;
  headers->lines[headers->count].name = hj_str_view(name, name_size);
  headers->lines[headers->count].value = value != NULL ? hj_str_view(value, value_size) : HJ_STR("");
  return ++headers->count < HEADERS_MAX ? MHD_YES : MHD_NO;
}

/* Behind a proxy of your own: the address that the proxy reports. */
static hj_str peer(struct MHD_Connection *connection, char text[INET_ADDRSTRLEN]) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)info->client_addr;
  return hj_str_of(inet_ntop(AF_INET, &address->sin_addr, text, INET_ADDRSTRLEN));
}

static enum MHD_Result reply(struct MHD_Connection *connection, const hj_response *answer) {
  struct MHD_Response *response = MHD_create_response_from_buffer(
      hj_response_body_len(answer), (void *)hj_response_body(answer), MHD_RESPMEM_MUST_COPY);
  if (response == NULL) {
    return MHD_NO;
  }
  for (size_t i = 0; i < hj_response_header_count(answer); i++) {
    const char *name = hj_response_header_name(answer, i), *value = hj_response_header_value(answer, i);
    if (strcmp(name, "content-length") == 0) { /* in the answer to a HEAD: the length that a GET would have */
      MHD_set_response_options(response, MHD_RF_INSANITY_HEADER_CONTENT_LENGTH, MHD_RO_END);
    }
    if (strcmp(name, "x-request-id") == 0 && hj_response_status(answer) >= 500) {
      fprintf(stderr, "%s %s\n", value, hj_error_detail(hj_response_error(answer)));
    }
    MHD_add_response_header(response, name, value);
  }
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)hj_response_status(answer), response);
  MHD_destroy_response(response);
  return result;
}

/* The server calls this after the headers, for each piece of the body, and at the end. */
static enum MHD_Result handle(void *rest, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *piece, size_t *piece_size, void **state) {
  struct request *request = *state;
  struct headers headers = {0};
  char address[INET_ADDRSTRLEN];
  (void)url, (void)version;
  if (request == NULL) {
    return MHD_NO;
  }
  if (!request->started) {
    request->started = true;
    return MHD_YES;
  }
  if (*piece_size > 0) {
    size_t room = sizeof request->body - request->kept;
    size_t fits = *piece_size < room ? *piece_size : room;
    memcpy(request->body + request->kept, piece, fits);
    request->kept += fits;
    request->received += *piece_size;
    *piece_size = 0;
    return request->received <= RECEIVED_MAX ? MHD_YES : MHD_NO;
  }

  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, &headers);
  hj_rest_request api_request = hj_rest_request_init();
  api_request.method = hj_str_of(method);
  api_request.target = hj_str_of(request->target);
  api_request.headers = headers.lines;
  api_request.header_count = headers.count;
  api_request.body = hj_str_view(request->body, request->kept);
  api_request.client_address = peer(connection, address);

  hj_response *response = NULL;
  hj_error *error = NULL;
  enum MHD_Result result = MHD_NO;
  if (hj_rest_handle(rest, &api_request, &response, &error) == HJ_OK) {
    result = reply(connection, response);
  } else {
    fprintf(stderr, "%s\n", hj_error_detail(error));
  }
  hj_response_free(response);
  hj_error_free(error);
  return result;
}

static struct MHD_Daemon *start(hj_rest *rest, struct sockaddr_in *address) {
  return MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, handle, rest,
                          MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_THREAD_POOL_SIZE, 4u, /* calls reach the disk */
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)64 * 1024, MHD_OPTION_CONNECTION_TIMEOUT, 30u,
                          MHD_OPTION_STRICT_FOR_CLIENT, 1,
                          MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_NOTIFY_COMPLETED, end, NULL,
                          MHD_OPTION_END);
}

static const char *setting(const char *name, const char *documented) {
  return getenv(name) != NULL ? getenv(name) : documented;
}

int main(int argc, char **argv) {
  char host[INET_ADDRSTRLEN] = "";
  int port = 0, signal_number = 0;
  struct sockaddr_in address = {0};
  if (sscanf(argc > 2 ? argv[2] : "127.0.0.1:8787", "%15[0-9.]:%d", host, &port) != 2 ||
      inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    fprintf(stderr, "usage: server [DATABASE [ADDRESS:PORT]]\n");
    return 2;
  }
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);

  hj_str id = hj_str_of(setting("HELLOJOHN_TENANT_ID", "tnt_01HABCDEF654321"));
  hj_str key = hj_str_of(setting("HELLOJOHN_SECRET_KEY", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"));
  hj_rest_options options = hj_rest_options_init();
  options.authenticate = authenticate;
  options.settings_json = HJ_STR("{\"dashboard\":true}"); /* pages for operators under /dashboard/ */
  hj_engine *engine = NULL;
  hj_tenant *tenant = NULL;
  hj_rest *rest = NULL;
  hj_error *error = NULL;
  struct MHD_Daemon *server = NULL;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the threads start; sigwait below takes them */

  if (hj_engine_open(hj_str_of(argc > 1 ? argv[1] : ":memory:"), NULL, &engine, &error) != HJ_OK ||
      hj_engine_tenant(engine, id, key, &tenant, &error) != HJ_OK ||
      hj_tenant_rest(tenant, &options, &rest, &error) != HJ_OK) {
    fprintf(stderr, "%s\n", hj_error_detail(error));
  } else if ((server = start(rest, &address)) == NULL) {
    fprintf(stderr, "cannot listen on %s:%d\n", host, port);
  } else {
    printf("listening on http://%s:%d\n", host, MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
    MHD_stop_daemon(server);
  }
  hj_error_free(error);
  hj_rest_free(rest);
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return server != NULL ? 0 : 1;
}
