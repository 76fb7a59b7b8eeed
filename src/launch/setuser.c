/* Runs a command as another user: docs/setuser.md. Reads /etc/passwd and /etc/group itself, so that it needs no library at run time. */
#include "execute.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAILED 1 /* as its ancestor in baseimage-docker */
#define MAX_GROUPS 65536 /* NGROUPS_MAX of Linux */

struct user {
  uid_t uid;
  gid_t gid;
  bool known;
  char name[LOGIN_NAME_MAX], home[PATH_MAX], shell[PATH_MAX];
};

static gid_t groups[MAX_GROUPS];

static _Noreturn void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  dprintf(2, "setuser: ");
  vdprintf(2, format, arguments);
  dprintf(2, "\n");
  va_end(arguments);
  _exit(code);
}

static bool is_id(const char *text, unsigned *id) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  *id = (unsigned)value;
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value < UINT_MAX; /* -1 means "no change" to setuid */
}

static void copy(char *to, size_t size, const char *from) {
  if ((size_t)snprintf(to, size, "%s", from) >= size) fail(FAILED, "an entry of /etc/passwd is too long");
}

/* A name goes before a number: somebody may be called 1000. A number needs no entry. */
static struct user find_user(const char *text) {
  unsigned id;
  bool numeric = is_id(text, &id);
  struct user found = {.uid = numeric ? id : 0, .gid = 0, .known = false, .home = "/", .shell = "/bin/sh"};
  FILE *file = fopen("/etc/passwd", "re");
  for (struct passwd *entry; file != NULL && (entry = fgetpwent(file)) != NULL;) {
    bool same_name = strcmp(entry->pw_name, text) == 0;
    if (!same_name && (!numeric || found.known || entry->pw_uid != id)) continue;
    found.uid = entry->pw_uid;
    found.gid = entry->pw_gid;
    found.known = true;
    copy(found.name, sizeof found.name, entry->pw_name);
    copy(found.home, sizeof found.home, *entry->pw_dir != '\0' ? entry->pw_dir : "/");
    copy(found.shell, sizeof found.shell, *entry->pw_shell != '\0' ? entry->pw_shell : "/bin/sh");
    if (same_name) break;
  }
  if (file != NULL) fclose(file);
  if (!found.known && !numeric) fail(FAILED, "user %s not found", text);
  if (!found.known) copy(found.name, sizeof found.name, text);
  return found;
}

static gid_t find_group(const char *text) {
  unsigned id;
  bool known = is_id(text, &id);
  FILE *file = fopen("/etc/group", "re");
  for (struct group *entry; file != NULL && (entry = fgetgrent(file)) != NULL;) {
    if (strcmp(entry->gr_name, text) != 0) continue;
    id = entry->gr_gid;
    known = true;
    break;
  }
  if (file != NULL) fclose(file);
  if (!known) fail(FAILED, "group %s not found", text);
  return id;
}

/* The user's own group and those that /etc/group lists it in; how many. */
static size_t find_groups(const struct user *user) {
  size_t count = 0;
  groups[count++] = user->gid;
  FILE *file = user->known ? fopen("/etc/group", "re") : NULL;
  for (struct group *entry; file != NULL && count < MAX_GROUPS && (entry = fgetgrent(file)) != NULL;)
    for (char **member = entry->gr_mem; *member != NULL; member++)
      if (strcmp(*member, user->name) == 0 && entry->gr_gid != user->gid) {
        groups[count++] = entry->gr_gid;
        break;
      }
  if (file != NULL) fclose(file);
  return count;
}

static bool is_already(const struct user *user) {
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(uids, uids + 1, uids + 2) != 0 || getresgid(gids, gids + 1, gids + 2) != 0) return false;
  for (int i = 0; i < 3; i++)
    if (uids[i] != user->uid || gids[i] != user->gid) return false;
  return true;
}

static void become(const struct user *user, size_t group_count, const char *text) {
  if (setgroups(group_count, groups) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)
    fail(FAILED, "cannot become %s: %s (it takes root, or the capabilities SETUID and SETGID)", text, strerror(errno));
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
  char text[LOGIN_NAME_MAX * 2];
  copy(text, sizeof text, argv[1]);
  char *group = strchr(text, ':');
  if (group != NULL) *group++ = '\0';
  struct user user = find_user(text);
  if (group != NULL) user.gid = find_group(group);
  /* Of who names a group, it is meant and no other one, as with docker run --user. */
  if (group != NULL) groups[0] = user.gid;
  size_t count = group != NULL ? 1 : find_groups(&user);
  if (!is_already(&user)) become(&user, count, argv[1]);
  set_environment(&user);
  int code = execute(argv + 2, true);
  fail(code, "cannot execute %s: %s", argv[2], strerror(errno));
}
