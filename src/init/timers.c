/* The times at which something is due. No timer runs while nothing is the matter. */
#include "my_init.h"

#define LOOK_AGAIN 500

static int64_t due[TIMERS];
/*
 * CPU time of the controller: when the timer was set, when init last looked, and how much is
 * allowed.
 */
static struct cpu {
  int64_t set, seen, limit;
} cpu[TIMERS];

/* TIMER_ORPHANS has no action: it wakes the loop, which reports the orphans that are due. */
static void (*const action[TIMERS])(void) = {
    [TIMER_CONTROLLER] = controller_due,
    [TIMER_STOPPED] = controller_stopped,
    [TIMER_ACKNOWLEDGE] = signals_not_acknowledged,
    [TIMER_FINISH] = finish_late, /* when the end has begun, it is only woken */
};

int64_t milliseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000; }

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return milliseconds(time);
}

void timer_set(enum timer timer, int64_t in_ms) {
  int64_t computed = controller_cpu();
  due[timer] = in_ms == NEVER ? NEVER : now() + in_ms;
  cpu[timer] = (struct cpu){computed, computed, in_ms / 2};
}

bool timer_runs(enum timer timer) { return due[timer] != NEVER; }

int timers_next(void) {
  int64_t next = INT64_MAX;
  for (int i = 0; i < TIMERS; i++)
    if (due[i] != NEVER && due[i] < next) next = due[i];
  int64_t wait = next - now();
  return next == INT64_MAX ? -1 : wait < 0 ? 0 : (int)wait;
}

/*
 * A controller that gets a twentieth of a CPU is slow and not hung: while it computes it may go on,
 * up to half of its time in CPU.
 */
static bool gets_more_time(enum timer timer) {
  struct cpu *its = &cpu[timer];
  if (action[timer] == NULL || finishing()) return false;
  int64_t computed = controller_cpu();
  bool computes = computed > its->seen && computed - its->set < its->limit;
  its->seen = computed;
  if (!computes) return false;
  due[timer] = now() + LOOK_AGAIN;
  return true;
}

void timers_run(void) {
  for (int i = 0; i < TIMERS; i++) {
    if (due[i] == NEVER || due[i] > now() || gets_more_time((enum timer)i)) continue;
    due[i] = NEVER;
    if (action[i] != NULL) action[i]();
  }
}
