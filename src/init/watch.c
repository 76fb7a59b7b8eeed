/* The watched processes. A status stays until a controller acknowledges it. */
#include "my_init.h"

#define RECENT 64

static struct watched {
  pid_t pid;
  int status;
  long peak; /* of its memory, in kilobytes, where KILL ended it; 0: not known */
  int64_t ended; /* when */
  enum { LIVES, ENDED, LOST } state;
  bool reported;
} watched[MAX_WATCHED], *end = watched;

/*
 * Leaders of process groups that ended unwatched. init inherits the children of a dead controller
 * before it sees the death: an unannounced process may be among them.
 */
static struct watched recent[RECENT];
static size_t recent_count;

static struct watched *find(pid_t pid) {
  struct watched *at = watched;
  while (at < end && at->pid != pid) at++;
  return at < end ? at : NULL;
}

static bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

void watch_remember(pid_t pid, int status, long peak) {
  recent[recent_count++ % RECENT] = (struct watched){.pid = pid, .status = status, .peak = peak, .ended = now(), .state = ENDED};
}

static struct watched ended_or_lost(pid_t pid) {
  size_t oldest = recent_count > RECENT ? recent_count - RECENT : 0;
  for (size_t at = recent_count; at > oldest; at--)
    if (recent[(at - 1) % RECENT].pid == pid) return recent[(at - 1) % RECENT];
  return (struct watched){.pid = pid, .state = LOST};
}

bool watch_add(pid_t pid) {
  if (find(pid) != NULL) return true;
  if (end == watched + MAX_WATCHED) return false;
  *end++ = is_gone(pid) ? ended_or_lost(pid) : (struct watched){.pid = pid, .state = LIVES};
  return true;
}

void watch_remove(pid_t pid) {
  struct watched *at = find(pid);
  if (at != NULL) *at = *--end;
}

bool watch_ended(pid_t pid, int status, long peak, bool known) {
  struct watched *at = find(pid);
  /* An end that a controller has reported before we could see it is the same end. */
  if (at == NULL) return false;
  struct watched ended = {.pid = pid, .status = status, .peak = peak, .ended = now(), .state = ENDED, .reported = known};
  if (known || at->state != ENDED) *at = ended;
  return true;
}

static void tell(struct watched *at) {
  if (at->state == ENDED)
    link_line("exited %d %d %ld %lld", at->pid, at->status, at->peak, (long long)at->ended);
  else link_line("%s %d", at->state == LOST ? "lost" : "watching", at->pid);
  at->reported = true;
}

bool watch_report(void) {
  struct watched *at = watched;
  while (at < end && (at->state == LIVES || at->reported)) at++;
  if (at < end) tell(at);
  return at < end;
}

/*
 * An exit status that the earlier controller had waited for and not reported is lost. The new
 * controller hears everything.
 */
void watch_hand_over(void) {
  for (struct watched *at = watched; at < end; at++) {
    if (at->state == LIVES && is_gone(at->pid)) at->state = LOST;
    tell(at);
  }
}

void watch_signal(int signal) {
  for (struct watched *at = watched; at < end; at++)
    if (at->state == LIVES && kill(-at->pid, signal) != 0) kill(at->pid, signal);
}
