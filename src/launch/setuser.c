/* Runs a command as another user: docs/setuser.md */
#include "execute.h"
#include "user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAILED 1 /* as its ancestor in baseimage-docker */
static _Noreturn __attribute__((format(printf, 2, 3))) void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  dprintf(2, "setuser: ");
  vdprintf(2, format, arguments);
  dprintf(2, "\n");
  va_end(arguments);
  _exit(code);
}

static void set(const char *name, const char *value) {
  if (setenv(name, value, 1) != 0) fail(FAILED, "cannot set %s: %s", name, strerror(errno));
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

int main(int argc, char **argv) {
  if (argc < 3) {
    dprintf(2, "Usage: setuser USER[:GROUP] COMMAND [ARGUMENT...]\nUSER and GROUP are names or numbers. docs: setuser.md\n");
    return FAILED;
  }
  static struct groups groups;
  struct user user;
  char *name = strdup(argv[1]), *group = name != NULL ? strchr(name, ':') : NULL;
  if (name == NULL) fail(FAILED, "out of memory");
  if (group != NULL) *group++ = '\0';
  if (!find_user(name, &user)) fail(FAILED, errno == ENOENT ? "user %s not found" : "user %s: an entry of /etc/passwd is too long", name);
  if (group != NULL && !find_group(group, &user.gid)) fail(FAILED, "group %s not found", group);
  find_groups(&user, &groups);
  /* A named group is the only one, as with docker run --user. */
  if (group != NULL) groups.count = 1;
  if (!is_user(&user) && !become_user(&user, &groups))
    fail(FAILED, "cannot become %s: %s (it takes root, or the capabilities SETUID and SETGID)", argv[1], strerror(errno));
  set_environment(&user);
  int code = execute(argv + 2, true);
  fail(code, "cannot execute %s: %s", argv[2], strerror(errno));
}
