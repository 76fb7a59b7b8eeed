/*
 * PID 1: reaps, relays signals, keeps the controller running, holds its descriptors, finishes.
 * docs/design/init-link.md
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINE 256 /* with its LF */
#define MAX_NAME 64  /* with its NUL */
#define MAX_HELD 8192
#define MAX_WATCHED 4096
#define SECOND 1000 /* times are in milliseconds of CLOCK_MONOTONIC */
#define LAST_WORDS SECOND /* of the controller, when all others are gone */
#define EXIT_INTERNAL 70

/* system.c: facts about init and its start */
extern struct init_facts {
  pid_t pid;
  bool pid1, subreaper;
  int64_t booted_at;
  struct rlimit descriptors; /* as they were before init raised its own */
} facts;
void system_set_up(void);

/* say.c */
#define say(format, ...) say_text("my_init: " format "\n", ##__VA_ARGS__)
void say_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define give_up(code, ...) (say(__VA_ARGS__), _exit(code))

/* timers.c */
enum timer { TIMER_CONTROLLER, TIMER_STOPPED, TIMER_ACKNOWLEDGE, TIMER_ORPHANS, TIMER_FINISH, TIMERS };
#define NEVER 0
int64_t milliseconds(struct timespec time);
int64_t now(void);
void timer_set(enum timer timer, int64_t in_ms);
bool timer_runs(enum timer timer);
int timers_next(void); /* for poll: -1 when there is nothing to wait for */
void timers_run(void);

/* signals.c */
int signals_open(void);
void signals_read(int fd);
bool signals_report(void); /* like every _report: one line to the controller; false when there is nothing to report */
void signals_hand_over(void); /* like every _hand_over: reports everything to a new controller */
bool signals_took(const char *name);
void signals_not_acknowledged(void);

/* watch.c: the exit statuses that are kept */
bool watch_add(pid_t pid);
void watch_remove(pid_t pid);
bool watch_ended(pid_t pid, int status, long peak, bool known); /* known to the controller, which has yet to act on it; false: not watched */
void watch_remember(pid_t pid, int status, long peak); /* a leader of a process group that nobody watches */
bool watch_report(void);
void watch_hand_over(void);
void watch_signal(int signal); /* to all live processes and their groups */

/* reap.c */
bool reap(void); /* true: there may be more */
bool orphans_report(void);
uint64_t orphans_reported(void);

/* processes.c: facts that only /proc knows */
enum left { LEFT_NOBODY, LEFT_CONTROLLER, LEFT_OTHERS };
void processes_open(void);
enum left processes_left(void);
void processes_signal(int signal);
pid_t processes_first(void); /* one of the processes that are left, 0 when unknown */

/* hold.c */
void hold_environment(void);
const char *hold(const char *name, int fd); /* NULL when it is held, else why not */
void hold_release(const char *name);
void hold_hand_over(void);
void hold_pour_logs(void);

/* link.c */
bool link_open(int ends[2]);
void link_poll(struct pollfd polled[2]);
void link_receive_lines(void);
void link_receive_descriptors(void); /* also before a line that is about one of them, as it was sent before it */
void link_send(void);
void link_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void link_drain(void); /* reads the last lines of a dead controller, and closes */
void link_end(void);

/* orders.c */
void order_carry_out(char *line, size_t length);
bool is_text(const char *bytes, size_t length, char lowest); /* printable, from this on */

/* controller.c */
void controller_find(int argc, char **argv);
_Noreturn void controller_check(int argc, char **argv); /* `my_init check`: becomes a program that judges definitions, and no init */
void controller_start(void);
void controller_ready(void);
void controller_to_be_replaced(void);
void controller_look(void);
void controller_stopped(void);
bool controller_replace(const char *why); /* false: the controller has not even begun */
bool controller_is_away(void); /* dead, or not ready yet */
void controller_signal(int signal);
void controller_due(void);
void controller_died(int status);
pid_t controller_pid(void);
int64_t controller_cpu(void); /* CPU time used, in milliseconds */

/* finish.c */
bool finishing(void);
bool finish(bool all, int code, int killed_code, int64_t in_ms); /* false: the end has begun; all: or only the controller */
void finish_ourselves(int code);
void finish_badly(const char *why);
void finish_late(void);
void finish_now(void);
void finish_step(void);
