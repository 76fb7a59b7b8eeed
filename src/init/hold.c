/*
 * Descriptors that outlive the controller: each stays at its number in init and in every
 * controller.
 */
#include "my_init.h"

#include <fnmatch.h>
#include <sys/mman.h>

#define LOWEST 100 /* or half of the limit of open files, where that is less */
#define PIECES 64  /* the content of a pipe of 256 KiB; a service that never stops writing must not keep us here */

/* Entries lie one after the other: names are short, and untouched pages cost nothing. */
struct __attribute__((packed)) held {
  int fd;
  char name[];
};
static char table[MAX_HELD * (sizeof(int) + MAX_NAME)], *end = table;
static int count;

#define EACH(held) struct held *held = (struct held *)table; (char *)held < end; held = next(held)
static struct held *next(struct held *held) { return (struct held *)(held->name + strlen(held->name) + 1); }

static struct held *find(const char *name) {
  for (EACH(held))
    if (strcmp(held->name, name) == 0) return held;
  return NULL;
}

const char *hold(const char *name, int fd) {
  struct held *held = find(name);
  int lowest = facts.descriptors.rlim_max < 2 * LOWEST ? (int)facts.descriptors.rlim_max / 2 : LOWEST;
  /* All that is executed is a controller, which inherits it. */
  int high = held == NULL && count == MAX_HELD ? -1 : fcntl(fd, F_DUPFD, lowest);
  if (high < 0) return "too many are held";
  if (held != NULL) close(held->fd);
  else held = (struct held *)end, end = stpcpy(held->name, name) + 1, count++;
  held->fd = high;
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
  struct held *held = find(name);
  if (held == NULL) return;
  close(held->fd);
  char *rest = (char *)next(held);
  memmove(held, rest, (size_t)(end - rest));
  end -= rest - (char *)held;
  count--;
}

void hold_hand_over(void) {
  for (EACH(held)) link_line("held %s %d", held->name, held->fd);
}

/* Copies what waits in a pipe, as far as there is room for it. */
static void pour(int from, int to) {
  struct pollfd ends[2] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = POLLOUT}};
  for (int i = 0; i < PIECES && poll(ends, 2, 0) == 2; i++) {
    char bytes[PIPE_BUF];
    /*
     * splice never waits for a pipe, even if another writer fills it now. A target that cannot
     * splice gets a piece whenever poll says that it is ready.
     */
    ssize_t moved = splice(from, NULL, to, NULL, sizeof bytes, SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINVAL && (moved = read(from, bytes, sizeof bytes)) > 0) moved = write(to, bytes, (size_t)moved);
    if (moved <= 0) return;
  }
}

/*
 * Pours the last output of services, and the last words of a controller, to where a controller
 * would have sent them: none will read them any more.
 */
void hold_pour_logs(void) {
  for (EACH(held)) {
    bool words = strcmp(held->name, "last-words") == 0 && lseek(held->fd, 0, SEEK_SET) == 0;
    if (fnmatch("log.*.out.r", held->name, 0) == 0) pour(held->fd, 1);
    if (words || fnmatch("log.*.err.r", held->name, 0) == 0) pour(held->fd, 2);
    if (words && ftruncate(held->fd, 0) != 0) continue;
  }
}
