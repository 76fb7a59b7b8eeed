/* Copies what waits in a pipe, as far as there is room for it. */
#include "my_init.h"

#define PIECES 64 /* what waits in a pipe of 256 KiB; a service that never stops writing must not keep us here */

void pour(int from, int to) {
  struct pollfd ends[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
  for (int i = 0; i < PIECES && poll(ends, 2, 0) == 2; i++) {
    char bytes[PIPE_BUF];
    /* Into a pipe it never waits, though another writer fill it now; what cannot be spliced to takes a piece when it says so. */
    ssize_t moved = splice(from, NULL, to, NULL, sizeof bytes, SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINVAL && (moved = read(from, bytes, sizeof bytes)) > 0) moved = write(to, bytes, (size_t)moved);
    if (moved <= 0) return;
  }
}
