/* One blocking exchange over a Unix socket: what the tracker asks its collector while its caller waits. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"

typedef struct answer {
  char* data;
  size_t size, room;
} answer;

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0, or the errno. */
static int wait_for(int socket, short events, int64_t until_ms) {
  for (;;) {
    const int64_t left = until_ms - now_ms();
    if (left <= 0) return ETIMEDOUT;
    struct pollfd one = {.fd = socket, .events = events};
    const int ready = poll(&one, 1, left > 1000000 ? 1000000 : (int)left);
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

static int send_all(int socket, const char* data, size_t size, int64_t until_ms) {
  while (size > 0) {
    const ssize_t sent = send(socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      data += sent;
      size -= (size_t)sent;
    } else if (errno == EAGAIN) {
      const int failed = wait_for(socket, POLLOUT, until_ms);
      if (failed != 0) return failed;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

static int receive_all(int socket, answer* a, int64_t until_ms) {
  for (;;) {
    if (a->room - a->size < 65536) {
      const size_t room = a->room == 0 ? 131072 : 2 * a->room;
      char* const grown = realloc(a->data, room);
      if (grown == NULL) return ENOMEM;
      a->data = grown;
      a->room = room;
    }
    const int failed = wait_for(socket, POLLIN, until_ms);
    if (failed != 0) return failed;
    const ssize_t received = recv(socket, a->data + a->size, a->room - a->size, MSG_DONTWAIT);
    if (received == 0) return 0;
    if (received > 0)
      a->size += (size_t)received;
    else if (errno != EINTR && errno != EAGAIN)
      return errno;
  }
}

static int exchange(const char* path, const char* request, size_t size, int64_t timeout_ms, answer* a) {
  const int64_t until_ms = now_ms() + timeout_ms;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return ENAMETOOLONG;
  strcpy(address.sun_path, path);
  const int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (one < 0) return errno;
  int failed = connect(one, (const struct sockaddr*)&address, sizeof address) == 0 ? 0 : errno;
  if (failed == 0) failed = send_all(one, request, size, until_ms);
  if (failed == 0) failed = receive_all(one, a, until_ms);
  close(one);
  return failed;
}

napi_value addon_request(napi_env env, napi_callback_info info) {
  napi_value arguments[3], made = NULL;
  size_t count = 3, size = 0;
  double timeout_ms = 0;
  char path[256];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &size) != napi_ok ||
      napi_get_value_string_utf8(env, arguments[1], NULL, 0, &size) != napi_ok ||
      napi_get_value_double(env, arguments[2], &timeout_ms) != napi_ok) {
    addon_throw(env, "ERR_INVALID_ARG_TYPE", "request: takes a path, a text and milliseconds");
    return NULL;
  }
  char* const request = malloc(size + 1);
  if (request == NULL) return NULL;
  napi_get_value_string_utf8(env, arguments[1], request, size + 1, &size);
  answer a = {NULL, 0, 0};
  const int failed = exchange(path, request, size, (int64_t)timeout_ms, &a);
  free(request);
  if (failed == 0)
    napi_create_buffer_copy(env, a.size, a.data, NULL, &made);
  else
    addon_throw(env, strerrorname_np(failed), strerror(failed));
  free(a.data);
  return made;
}
