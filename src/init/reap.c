/*
 * Every child that ends is waited for, in every phase: the controller, what it watches, and the
 * orphans, which are counted.
 */
#include "my_init.h"

#define BATCH 1000    /* then signals and the controller have their turn */
#define REPORT_AFTER 20 /* so that a storm is some lines and not as many as it has orphans */
#define GROUPS 64

static struct {
  uint64_t count;
  pid_t session;
} groups[GROUPS];
static size_t group_count;
static uint64_t reported;

static void count_orphan(pid_t session) {
  size_t i = 0;
  if (group_count == 0) timer_set(TIMER_ORPHANS, REPORT_AFTER);
  while (i < group_count && groups[i].session != session) i++;
  if (i >= GROUPS - 1) i = GROUPS - 1, session = 0; /* for all that find no other */
  if (i >= group_count) groups[group_count++].count = 0;
  groups[i].count++;
  groups[i].session = session;
}

bool orphans_report(void) {
  if (group_count == 0 || timer_runs(TIMER_ORPHANS)) return false;
  group_count--;
  reported += groups[group_count].count;
  link_line("orphan %llu %d", (unsigned long long)groups[group_count].count, groups[group_count].session);
  return true;
}

uint64_t orphans_reported(void) { return reported; }

static void reap_one(pid_t pid) {
  pid_t session = getsid(pid);
  int status;
  struct rusage usage;
  bool controller = pid == controller_pid(), leader = getpgid(pid) == pid;
  link_receive_lines(); /* a dying controller may have asked us to watch it */
  /* A process that a controller started in its last instant, unannounced, leads a group. */
  if (!controller && leader && !finishing() && controller_is_away()) watch_add(pid);
  if (wait4(pid, &status, WNOHANG, &usage) != pid) return;
  if (controller) return controller_died(status);
  long peak = status == SIGKILL ? usage.ru_maxrss : 0;
  if (watch_ended(pid, status, peak, false)) return;
  if (leader) watch_remember(pid, status, peak);
  count_orphan(session < 0 ? 0 : session);
}

bool reap(void) {
  controller_look();
  for (int i = 0; i < BATCH; i++) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return false;
    reap_one(info.si_pid);
  }
  return true;
}
