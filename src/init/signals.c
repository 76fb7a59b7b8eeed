/*
 * Signals are blocked for ever and read from a descriptor: the kernel drops signals that PID 1 does
 * not handle, but not those that it blocks.
 */
#include "my_init.h"

#include <sys/signalfd.h>

#define SYSTEMD_HALT 37 /* SIGRTMIN+3 of glibc: the stop signal of images that usually run systemd; musl counts differently */
#define ACKNOWLEDGES_WITHIN (4 * SECOND)
#define READY_ACKNOWLEDGES_WITHIN 1500 /* so that its successor still has the whole shutdown within Docker's 10 s */

static struct relayed {
  int number;
  const char *name;
  bool ends; /* somebody wants the container to end */
  /*
   * Two of a kind may wait, as the first may be under way to the controller; more merge, as they do
   * in the kernel.
   */
  int waiting, reported;
} relayed[] = {
    {SIGTERM, "TERM", true, 0, 0},  {SIGINT, "INT", true, 0, 0},    {SIGHUP, "HUP", false, 0, 0},
    {SIGQUIT, "QUIT", true, 0, 0},  {SIGUSR1, "USR1", false, 0, 0}, {SIGUSR2, "USR2", false, 0, 0},
    {SIGWINCH, "WINCH", false, 0, 0}, {SIGPWR, "PWR", true, 0, 0},
};
static bool replaced; /* a controller, because of a signal that still waits */
static struct relayed *const end = relayed + sizeof relayed / sizeof *relayed;

int signals_open(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL); /* entry.c did, where it can */
  /*
   * Every process would inherit an "ignore", and an ignored SIGCHLD would discard the exit
   * statuses.
   */
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) give_up(EXIT_INTERNAL, "cannot read signals: %m");
  return fd;
}

/* Somebody sent a signal that means nothing to us, perhaps to stop the container: worth a line. */
static void tell_of_another(const struct signalfd_siginfo *info) {
  bool usual = info->ssi_signo == SIGCHLD || info->ssi_signo == SIGCONT || (pid_t)info->ssi_pid == facts.pid;
  if (!usual && info->ssi_code <= 0) link_line("ignored %u", info->ssi_signo);
}

void signals_read(int fd) {
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == sizeof info) {
    int number = info.ssi_signo == SYSTEMD_HALT ? SIGPWR : (int)info.ssi_signo;
    struct relayed *at = relayed;
    while (at < end && at->number != number) at++;
    if (at == end) {
      tell_of_another(&info);
      continue;
    }
    if (at->ends && finishing()) finish_now();
    else if (at->ends && at->waiting == 0) timer_set(TIMER_ACKNOWLEDGE, controller_is_away() ? ACKNOWLEDGES_WITHIN : READY_ACKNOWLEDGES_WITHIN);
    if (at->waiting < 2) at->waiting++;
  }
}

bool signals_report(void) {
  for (struct relayed *at = relayed; at < end; at++) {
    if (at->reported == at->waiting) continue;
    at->reported++;
    link_line("signal %s", at->name);
    return true;
  }
  return false;
}

void signals_hand_over(void) {
  for (struct relayed *at = relayed; at < end; at++) at->reported = 0;
  if (timer_runs(TIMER_ACKNOWLEDGE)) timer_set(TIMER_ACKNOWLEDGE, ACKNOWLEDGES_WITHIN);
}

bool signals_took(const char *name) {
  bool known = false, still = false;
  for (struct relayed *at = relayed; at < end; at++) {
    bool meant = strcmp(at->name, name) == 0;
    known = known || meant;
    if (meant && at->reported > 0) at->reported--, at->waiting--;
    still = still || (at->ends && at->waiting > 0);
  }
  if (!still) timer_set(TIMER_ACKNOWLEDGE, NEVER), replaced = false;
  return known;
}

void signals_not_acknowledged(void) {
  timer_set(TIMER_ACKNOWLEDGE, ACKNOWLEDGES_WITHIN); /* for its successor */
  if (!replaced && controller_replace("does not answer a signal to end")) replaced = true;
  else controller_signal(SIGKILL), finish_badly("the controller does not answer a signal to end");
}
