/* Descriptors that outlive the controller: each stays at its number in init and in every controller. */
#include "my_init.h"

#include <fnmatch.h>
#include <sys/mman.h>

#define LOWEST 100 /* or half of the limit of open files, where that is less */
#define PIECES 64  /* what waits in a pipe of 256 KiB; a service that never stops writing must not keep us here */

static struct {
  int fd;
  char name[MAX_NAME];
} held[MAX_HELD];
static size_t count;

static size_t find(const char *name) {
  size_t at = 0;
  while (at < count && strcmp(held[at].name, name) != 0) at++;
  return at;
}

const char *hold(const char *name, int fd) {
  size_t at = find(name);
  int lowest = facts.descriptors.rlim_max < 2 * LOWEST ? (int)facts.descriptors.rlim_max / 2 : LOWEST;
  int high = at == MAX_HELD ? -1 : fcntl(fd, F_DUPFD, lowest); /* all that is executed is a controller, which inherits it */
  if (high < 0) return "too many are held";
  if (at < count) close(held[at].fd);
  else count++;
  held[at].fd = high;
  snprintf(held[at].name, MAX_NAME, "%s", name);
  return NULL;
}

/* A memfd takes all of a write, or fails. */
void hold_environment(void) {
  int fd = memfd_create("environ", MFD_CLOEXEC);
  bool kept = fd >= 0;
  for (char **variable = environ; kept && *variable != NULL; variable++)
    kept = write(fd, *variable, strlen(*variable) + 1) == (ssize_t)strlen(*variable) + 1;
  if (!kept || hold("environ", fd) != NULL) give_up(EXIT_INTERNAL, "cannot keep the environment: %m");
  close(fd);
}

void hold_release(const char *name) {
  size_t at = find(name);
  if (at == count) return;
  close(held[at].fd);
  held[at] = held[--count];
}

void hold_hand_over(void) {
  for (size_t i = 0; i < count; i++) link_line("held %s %d", held[i].name, held[i].fd);
}

/* Copies what waits in a pipe, as far as there is room for it. */
static void pour(int from, int to) {
  struct pollfd ends[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
  for (int i = 0; i < PIECES && poll(ends, 2, 0) == 2; i++) {
    char bytes[PIPE_BUF];
    /* Into a pipe it never waits, though another writer fill it now; what cannot be spliced to takes a piece when it says so. */
    ssize_t moved = splice(from, NULL, to, NULL, sizeof bytes, SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINVAL && (moved = read(from, bytes, sizeof bytes)) > 0) moved = write(to, bytes, (size_t)moved);
    if (moved <= 0) return;
  }
}

/* What services have said, or a controller at its end, and no controller will read any more goes where one would have sent it. */
void hold_pour_logs(void) {
  for (size_t i = 0; i < count; i++) {
    bool words = strcmp(held[i].name, "last-words") == 0 && lseek(held[i].fd, 0, SEEK_SET) == 0;
    if (fnmatch("log.*.out.r", held[i].name, 0) == 0) pour(held[i].fd, 1);
    if (words || fnmatch("log.*.err.r", held[i].name, 0) == 0) pour(held[i].fd, 2);
    if (words && ftruncate(held[i].fd, 0) != 0) continue;
  }
}
