/* Keeps the controller running. */
#include "my_init.h"

#include <libgen.h>
#include <sys/auxv.h>

#define INSTALLED "/usr/lib/my_init"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ONE_ARENA "MALLOC_ARENA_MAX=1" /* each thread of Node would have its own: 1 MB */
#define MAX_DEATHS 5
#define DEATHS_WITHIN (60 * SECOND)
#define READY_WITHIN (60 * SECOND)
#define STOPPED_MAY_LIVE (5 * SECOND) /* somebody may want to look into it */
#define RETRY_AFTER 100

static char *node, **command, *environment[6] = {"MY_INIT_LINK=1", ONE_ARENA};
static pid_t pid;
static bool ready, to_be_replaced, hung;
static const char *last_end; /* exit, signal, hung, reexec: how the controller before ended */
static int generation, last_number, start_error;
static int64_t deaths[MAX_DEATHS];

static char *joined(const char *before, const char *after) {
  char *text;
  if (asprintf(&text, "%s%s", before, after) < 0) give_up(EXIT_INTERNAL, "no memory");
  return text;
}

/* The first accessible file of this name in the directories of a PATH; NULL where there is none. */
static char *find(const char *path, const char *name, int mode) {
  char file[PATH_MAX];
  for (size_t length; path != NULL && *path != '\0'; path += length + (path[length] == ':')) {
    length = strcspn(path, ":");
    if (*path != '/') continue; /* it would depend on the directory the container was started in */
    int used = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, name);
    if (used < PATH_MAX && access(file, mode) == 0) return joined("", file);
  }
  return NULL;
}

/*
 * The volume of a WORKDIR can be unmounted then. Node would not hand on the name of a directory
 * that is not plain text: there we stay.
 */
static bool leave_directory(char name[PATH_MAX]) {
  bool usable = getcwd(name, PATH_MAX) != NULL && *name == '/' && is_text(name, strlen(name), ' ');
  return usable && chdir("/") == 0;
}

/* NODE_OPTIONS, LD_PRELOAD and their kin are meant for the application. */
static void clean_environment(void) {
  size_t count = 2;
  char directory[PATH_MAX];
  if (leave_directory(directory)) environment[count++] = joined("MY_INIT_DIRECTORY=", directory);
  for (char **at = environ; *at != NULL && count < 5; at++)
    if (strncmp(*at, "PATH=", 5) == 0 || strncmp(*at, "TZ=", 3) == 0) environment[count++] = *at;
}

static void find_programs(int argc, char **argv) {
  char ourselves[PATH_MAX];
  if (realpath((const char *)getauxval(AT_EXECFN), ourselves) == NULL) *ourselves = '\0';
  const char *home = dirname(ourselves);
  char *script = find(home, "controller.js", R_OK) ?: find(home = INSTALLED, "controller.js", R_OK);
  if (script == NULL) give_up(127, "cannot find controller.js beside my_init or in " INSTALLED);
  /* A Node of our own, if we brought one, comes before the application's Node. */
  node = find(home, "node", X_OK) ?: find(getenv("PATH"), "node", X_OK) ?: find(DEFAULT_PATH, "node", X_OK);
  if (node == NULL) give_up(127, "cannot find node in PATH or " DEFAULT_PATH ": my_init needs Node " MY_INIT_NODE " or newer");
  /* The image's own Node may be too old to read the controller at all. */
  char *old_node = find(home, "old-node.cjs", R_OK);
  /*
   * A larger young generation is no faster here, and never shrinks after a burst: 20 MB with 500
   * services. One thread beside the main one is enough for garbage collection and compilation, and
   * leaves three more to the pids limit.
   */
  char *ours[] = {node, "--max-old-space-size=64", "--max-semi-space-size=1", "--v8-pool-size=1"};
  size_t words = sizeof ours / sizeof *ours;
  command = calloc((size_t)argc + words + 3, sizeof *command); /* --require, its file, and the script */
  if (command == NULL) give_up(EXIT_INTERNAL, "no memory");
  memcpy(command, ours, sizeof ours);
  if (old_node != NULL) command[words++] = "--require", command[words++] = old_node;
  command[words++] = script;
  memcpy(command + words, argv + 1, (size_t)argc * sizeof *argv); /* with the NULL, for our own name */
}

void controller_find(int argc, char **argv) {
  find_programs(argc, argv);
  clean_environment();
}

/* The variables that `my_init check` may see: the options of my_init, and PATH. */
static void keep_settings(void) {
  char **kept = environ;
  for (char **at = environ; *at != NULL; at++)
    if (strncmp(*at, "PATH=", 5) == 0 || (strncmp(*at, "MY_INIT_", 8) == 0 && strncmp(*at, "MY_INIT_LINK=", 13) != 0)) *kept++ = *at;
  *kept = NULL;
}

void controller_check(int argc, char **argv) {
  sigset_t none;
  find_programs(argc, argv);
  keep_settings();
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(node, command, environ);
  give_up(126, "cannot execute %s: %m", node);
}

/* The child of vfork, which shares our memory until it executes the controller. */
static _Noreturn void become_controller(const int ends[2], volatile int *error) {
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0);
  if (dup2(ends[0], 3) == 3 && dup2(ends[1], 4) == 4 && sigprocmask(SIG_SETMASK, &none, NULL) == 0) execve(node, command, environment);
  *error = errno;
  _exit(127);
}

/* Returns the errno of the failed call, or 0. */
static int start(void) {
  int ends[2] = {-1, -1};
  volatile int error = 0;
  pid_t child = link_open(ends) ? vfork() : -1;
  if (child == 0) become_controller(ends, &error);
  if (child < 0) error = errno;
  close(ends[0]);
  close(ends[1]);
  if (error == 0) pid = child;
  else link_drain();
  if (error != 0 && child > 0) waitpid(child, NULL, 0);
  return error;
}

static void hand_over(void) {
  link_line("init 1 %s %d %d %d %d %lld %lld %lld", MY_INIT_VERSION, facts.pid, facts.pid1, facts.subreaper, generation,
            (long long)facts.booted_at, (long long)facts.descriptors.rlim_cur, (long long)facts.descriptors.rlim_max);
  if (generation > 1) link_line("died %s %d", last_end, last_number);
  link_line("reaped %llu", (unsigned long long)orphans_reported());
  hold_hand_over();
  watch_hand_over();
  signals_hand_over();
  link_line("go");
}

void controller_start(void) {
  ready = to_be_replaced = hung = false;
  int error = start(), error_before = start_error;
  start_error = error;
  if (error == 0) {
    generation++;
    timer_set(TIMER_CONTROLLER, READY_WITHIN);
    return hand_over();
  }
  bool for_good = error == EACCES || error == ENOEXEC || error == ENOENT;
  if (generation == 0 && for_good) give_up(126, "cannot execute %s: %s", node, strerror(error));
  if (error != error_before) say("cannot start the controller, retrying: %s", strerror(error));
  timer_set(TIMER_CONTROLLER, RETRY_AFTER);
}

pid_t controller_pid(void) { return pid; }

void controller_ready(void) {
  ready = true;
  timer_set(TIMER_CONTROLLER, NEVER);
}

void controller_to_be_replaced(void) { to_be_replaced = true; }

void controller_signal(int signal) {
  if (pid != 0) kill(pid, signal);
}

static void kill_it(const char *why) {
  say("the controller %s; killing it", why);
  controller_signal(SIGKILL);
}

void controller_due(void) {
  if (pid == 0) return controller_start();
  kill_it(ready ? "has closed its link" : "is not ready");
}

int64_t controller_cpu(void) {
  clockid_t clock;
  struct timespec time = {0};
  if (pid != 0 && clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &time);
  return milliseconds(time);
}

static bool has(int become) {
  siginfo_t info = {0};
  return pid != 0 && waitid(P_PID, (id_t)pid, &info, become | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

bool controller_is_away(void) { return !ready || has(WEXITED); }

void controller_look(void) {
  if (!finishing() && !timer_runs(TIMER_STOPPED) && has(WSTOPPED)) timer_set(TIMER_STOPPED, STOPPED_MAY_LIVE);
}

void controller_stopped(void) {
  const char *why = "has been stopped for too long";
  if (has(WSTOPPED) && !controller_replace(why)) kill_it(why);
}

bool controller_replace(const char *why) {
  if (!ready) return false;
  say("the controller %s; replacing it", why);
  hung = true;
  controller_signal(SIGKILL);
  return true;
}

static bool dies_too_often(void) {
  memmove(deaths, deaths + 1, (MAX_DEATHS - 1) * sizeof *deaths);
  deaths[MAX_DEATHS - 1] = now();
  return deaths[0] != 0 && now() - deaths[0] < DEATHS_WITHIN;
}

void controller_died(int status) {
  char why[128];
  bool killed = WIFSIGNALED(status);
  pid = 0;
  last_end = to_be_replaced && status == 0 ? "reexec" : hung ? "hung" : killed ? "signal" : "exit";
  last_number = killed ? WTERMSIG(status) : WEXITSTATUS(status);
  link_drain();
  timer_set(TIMER_CONTROLLER, NEVER);
  timer_set(TIMER_STOPPED, NEVER);
  if (finishing()) return;
  if (generation == 1 && !ready) return finish_ourselves(killed ? 128 + last_number : last_number);
  if (strcmp(last_end, "reexec") == 0) return controller_start();
  say("the controller ended: %s %d", last_end, last_number);
  if (!dies_too_often()) return controller_start();
  snprintf(why, sizeof why, "%d controllers ended within %d s, the last one: %s %d", MAX_DEATHS, DEATHS_WITHIN / SECOND,
           last_end, last_number);
  finish_badly(why);
}
