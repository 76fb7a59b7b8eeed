/* The end: TERM to what is left, wait until it is gone, KILL, exit. */
#include "my_init.h"

#define TICK 10              /* other processes of the namespace are not our children: nothing reports their end */
#define OWN_END (3 * SECOND)
#define KILLED_WITHIN SECOND /* a process that survives KILL for so long sleeps in the kernel */

static enum { NOT_YET, ASKED, KILLED } stage;
static bool all; /* or only the controller: the rest is left to itself, or to the kernel when init is PID 1 */
static int code, killed_code;
static int64_t next_stage_at, last_words_until;

bool finishing(void) { return stage != NOT_YET; }

static void signal_them(int signal) {
  if (all) processes_signal(signal);
  else controller_signal(signal);
}

bool finish(bool with_all, int with_code, int with_killed_code, int64_t in_ms) {
  if (finishing()) return false;
  stage = ASKED;
  all = with_all;
  code = with_code;
  killed_code = with_killed_code;
  next_stage_at = now() + in_ms;
  for (enum timer timer = 0; timer < TIMERS; timer++) timer_set(timer, NEVER);
  signal_them(SIGTERM);
  signal_them(SIGCONT); /* a stopped process gets its TERM only when it goes on */
  return true;
}

void finish_ourselves(int with_code) { finish(true, with_code, with_code, OWN_END); }

/* Where a kubelet looks for it; there may be no such file. */
static void leave_reason(const char *why, int for_code) {
  int fd = open("/dev/termination-log", O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) dprintf(fd, "my_init: %s; exit code %d\n", why, for_code);
  close(fd);
}

void finish_badly(const char *why) {
  if (finishing()) return;
  say("%s; ending without it", why);
  leave_reason(why, EXIT_INTERNAL);
  finish_ourselves(EXIT_INTERNAL);
}

void finish_late(void) { finish_badly("the controller did not come to the end in time"); }

void finish_now(void) {
  if (stage == ASKED) next_stage_at = now();
}

/* The controller learns from the end of file that it is alone, and may say its last words. */
static void let_the_controller_finish(void) {
  if (last_words_until == 0) last_words_until = now() + LAST_WORDS;
  link_end();
  if (now() >= last_words_until) controller_signal(SIGKILL);
}

static void begin_to_kill(enum left left) {
  stage = KILLED;
  next_stage_at = now() + KILLED_WITHIN;
  if (left != LEFT_OTHERS) return;
  if (killed_code != code) leave_reason("processes did not end in time and were killed", killed_code);
  code = killed_code;
  say("killing the processes that are left; ending with exit code %d", code);
}

static _Noreturn void give_up_on_the_rest(void) {
  pid_t left = processes_first();
  bool forbidden = left != 0 && kill(left, 0) != 0 && errno == EPERM;
  give_up(code, "process %d %s; ending with exit code %d", left,
          forbidden ? "may not be killed (init lacks the capability KILL)" : "does not end even when killed", code);
}

void finish_step(void) {
  if (!finishing()) return;
  bool time_is_up = now() >= next_stage_at;
  enum left left = all ? processes_left() : controller_pid() != 0 ? LEFT_CONTROLLER : LEFT_NOBODY;
  if (left == LEFT_NOBODY || controller_pid() == 0) hold_pour_logs();
  if (left == LEFT_NOBODY) _exit(code);
  if (left == LEFT_CONTROLLER) let_the_controller_finish();
  if (time_is_up && stage == KILLED) give_up_on_the_rest();
  if (time_is_up) begin_to_kill(left);
  if (stage == KILLED) signal_them(SIGKILL);
  timer_set(TIMER_FINISH, TICK);
}
