/*
 * Runs a command as another user: docs/setuser.md. By the names s6-setuidgid and with-contenv it is
 * these programs of s6-overlay, so that scripts which call them run as they are.
 */
#include "execute.h"
#include "user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The exit codes of setuser in baseimage-docker, and those of s6. */
static const struct codes {
  int usage, unknown, forbidden;
} OWN = {1, 1, 1}, OF_S6 = {100, 1, 111};

static _Noreturn __attribute__((format(printf, 2, 3))) void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  dprintf(2, "%s: ", program_invocation_short_name);
  vdprintf(2, format, arguments);
  dprintf(2, "\n");
  va_end(arguments);
  _exit(code);
}

static void set(const char *name, const char *value) {
  if (setenv(name, value, 1) != 0) fail(EXIT_FAILURE, "cannot set %s: %s", name, strerror(errno));
}

static void set_environment(const struct user *user) {
  char uid[16];
  snprintf(uid, sizeof uid, "%u", user->uid);
  set("HOME", user->home);
  set("USER", user->name);
  set("LOGNAME", user->name);
  set("SHELL", user->shell);
  set("UID", uid); /* as its ancestor does */
}

static void become(const char *account, const struct codes *codes, struct user *user) {
  static struct groups groups;
  char *name = strdup(account), *group = name != NULL ? strchr(name, ':') : NULL;
  if (name == NULL) fail(codes->forbidden, "out of memory");
  if (group != NULL) *group++ = '\0';
  if (!find_user(name, user))
    fail(codes->unknown, errno == ENOENT ? "user %s not found" : "user %s: an entry of /etc/passwd is too long", name);
  if (group != NULL && !find_group(group, &user->gid)) fail(codes->unknown, "group %s not found", group);
  find_groups(user, &groups);
  /* A named group is the only one, as with docker run --user. */
  if (group != NULL) groups.count = 1;
  if (!is_user(user) && !become_user(user, &groups))
    fail(codes->forbidden, "cannot become %s: %s (it takes root, or the capabilities SETUID and SETGID)", account, strerror(errno));
  free(name);
}

static bool is_called(const char *name) {
  return strcmp(program_invocation_short_name, name) == 0;
}

static _Noreturn void become_program(char **program) {
  int code = execute(program, true);
  fail(code, "cannot execute %s: %s", *program, strerror(errno));
}

int main(int argc, char **argv) {
  /* The caller has the environment of the container already: my_init gives it to every process. */
  if (is_called("with-contenv") && argc > 1) become_program(argv + 1);
  bool of_s6 = is_called("s6-setuidgid");
  const struct codes *codes = of_s6 ? &OF_S6 : &OWN;
  if (argc < 3) {
    dprintf(2, "Usage: %s USER[:GROUP] COMMAND [ARGUMENT...]\nUSER and GROUP are names or numbers. docs: setuser.md\n", program_invocation_short_name);
    return codes->usage;
  }
  if (of_s6 && *argv[1] == '\0') become_program(argv + 2); /* an account without a name is that of the caller */
  struct user user;
  become(argv[1], codes, &user);
  if (!of_s6) set_environment(&user);
  become_program(argv + 2);
}
