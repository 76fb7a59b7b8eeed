/*
 * The orders of the controller, one line each. A line is obeyed as a whole or refused as a whole.
 */
#include "my_init.h"

#define MAX_ARGUMENTS 3

bool is_text(const char *bytes, size_t length, char lowest) {
  while (length > 0 && bytes[length - 1] >= lowest && bytes[length - 1] <= '~') length--;
  return length == 0;
}

static bool parse_number(const char *text, int64_t lowest, int64_t highest, int64_t *number) {
  size_t sign = *text == '-', digits = strspn(text + sign, "0123456789");
  if (digits == 0 || digits > 18 || text[sign + digits] != '\0') return false;
  *number = strtoll(text, NULL, 10);
  return *number >= lowest && *number <= highest;
}

/* A pid that is not an unreaped child may belong to anybody by now. */
static int kill_child(pid_t target, int signal) {
  siginfo_t info;
  pid_t pid = target < 0 ? -target : target;
  if (pid < 2 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return ESRCH;
  if (target < 0 && getpgid(pid) != pid) return ESRCH;
  return kill(target, signal) == 0 ? 0 : errno;
}

enum order { READY, REEXEC, WATCH, EXITED, TOOK, KILL, RELEASE, DEADLINE, FINISH, LEAVE };

static const struct {
  const char *word;
  int count;
  int64_t range[MAX_ARGUMENTS][2]; /* none: not a number */
} orders[] = {
    [READY] = {"ready", 0, {{0}}},
    [REEXEC] = {"reexec", 0, {{0}}},
    [WATCH] = {"watch", 1, {{2, INT32_MAX}}},
    [EXITED] = {"exited", 2, {{2, INT32_MAX}, {0, INT32_MAX}}},
    [TOOK] = {"took", 1, {{0}}},
    [KILL] = {"kill", 3, {{0, INT64_MAX}, {-INT32_MAX, INT32_MAX}, {0, NSIG - 1}}},
    [RELEASE] = {"release", 1, {{0}}},
    [DEADLINE] = {"deadline", 1, {{0, INT32_MAX}}},
    [FINISH] = {"finish", 3, {{0, 255}, {0, 255}, {0, INT32_MAX}}},
    [LEAVE] = {"leave", 1, {{0, 255}}},
};

/* NULL, or why not. */
static const char *obey(enum order order, const char *text, const int64_t number[]) {
  int64_t pid;
  switch (order) {
    case READY: controller_ready(); break;
    case REEXEC: controller_to_be_replaced(); break;
    case WATCH:
      if (!watch_add((pid_t)number[0])) link_line("unwatched %lld", (long long)number[0]);
      break;
    case EXITED: watch_ended((pid_t)number[0], (int)number[1], 0, true); break;
    case TOOK:
      if (!parse_number(text, 2, INT32_MAX, &pid)) return signals_took(text) ? NULL : "neither a signal nor a pid";
      watch_remove((pid_t)pid);
      break;
    case KILL:
      link_line("killed %lld %d", (long long)number[0], kill_child((pid_t)number[1], (int)number[2]));
      break;
    case RELEASE: link_receive_descriptors(), hold_release(text); break;
    case DEADLINE: timer_set(TIMER_FINISH, number[0]); break; /* 0 is NEVER; during the end it ticks anyway */
    case FINISH: return finish(true, (int)number[0], (int)number[1], number[2]) ? NULL : "the end has begun";
    case LEAVE: return finish(false, (int)number[0], (int)number[0], LAST_WORDS) ? NULL : "the end has begun";
  }
  return NULL;
}

static const char *check_and_obey(enum order order, char *arguments) {
  const char *text = arguments;
  int64_t number[MAX_ARGUMENTS] = {0};
  int count = 0;
  for (char *word; (word = strsep(&arguments, " ")) != NULL; count++) {
    if (count == orders[order].count) return "wrong number of arguments";
    const int64_t *range = orders[order].range[count];
    if (range[1] != 0 && !parse_number(word, range[0], range[1], &number[count])) return "bad argument";
  }
  return count < orders[order].count ? "wrong number of arguments" : obey(order, text, number);
}

void order_carry_out(char *line, size_t length) {
  if (!is_text(line, length, ' ')) return link_line("error line: not an order");
  const char *word = strsep(&line, " "), *problem = "not an order";
  for (int i = 0; i < (int)(sizeof orders / sizeof *orders); i++)
    if (strcmp(orders[i].word, word) == 0) problem = check_and_obey((enum order)i, line);
  if (problem != NULL) link_line("error %.64s: %s", *word != '\0' ? word : "line", problem);
}
