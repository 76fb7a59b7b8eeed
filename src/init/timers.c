/* What is due when. No timer runs while nothing is the matter. */
#include "my_init.h"

#include <time.h>

static int64_t due[TIMERS];

/* TIMER_ORPHANS only wakes us: what is due is told. */
static void (*const action[TIMERS])(void) = {
    [TIMER_CONTROLLER] = controller_due,
    [TIMER_STOPPED] = controller_stopped,
    [TIMER_TAKEN] = signals_not_taken,
    [TIMER_FINISH] = finish_late, /* when the end has begun, it is only woken */
};

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void timer_set(enum timer timer, int64_t in_ms) { due[timer] = in_ms == NEVER ? NEVER : now() + in_ms; }

bool timer_runs(enum timer timer) { return due[timer] != NEVER; }

int timers_next(void) {
  int64_t next = INT64_MAX;
  for (int i = 0; i < TIMERS; i++)
    if (due[i] != NEVER && due[i] < next) next = due[i];
  int64_t wait = next - now();
  return next == INT64_MAX ? -1 : wait < 0 ? 0 : (int)wait;
}

void timers_run(void) {
  for (int i = 0; i < TIMERS; i++) {
    if (due[i] == NEVER || due[i] > now()) continue;
    due[i] = NEVER;
    if (action[i] != NULL) action[i]();
  }
}
